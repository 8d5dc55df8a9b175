import { type Engine, freePort } from "../support/engine.ts";
import { ExampleProcess } from "./example-process.ts";

/** The processes of the price ticker: two servers and a publisher. */
export class Ticker {
  readonly urls: readonly string[];
  readonly #processes: readonly ExampleProcess[];

  private constructor(urls: readonly string[], processes: readonly ExampleProcess[]) {
    this.urls = urls;
    this.#processes = processes;
  }

  static async start(engine: Engine): Promise<Ticker> {
    const ports = [await freePort(), await freePort()];
    const urls = ports.map((port) => `http://localhost:${port}`);
    const environment = {
      REDIS_URL: `redis://127.0.0.1:${engine.port}`,
      SERVERS: urls.join(","),
    };
    const servers = ports.map((port) =>
      ExampleProcess.start("price-ticker/dist/server.js", {
        environment: { ...environment, PORT: String(port) },
      }),
    );
    const publisher = ExampleProcess.start("price-ticker/dist/publisher.js", { environment });
    return new Ticker(urls, await Promise.all([...servers, publisher]));
  }

  /** Ends a server as a crash does. */
  async kill(server: 0 | 1): Promise<void> {
    await this.#processes[server].kill("SIGKILL");
  }

  async stop(): Promise<void> {
    await Promise.all(this.#processes.map((process) => process.kill("SIGKILL")));
  }
}
