import { type Engine, freePort } from "../support/engine.ts";
import { ExampleProcess } from "./example-process.ts";

/** The processes of the assistant with Redis: two servers and a worker. */
export class AssistantServers {
  readonly urls: readonly string[];
  readonly #servers: readonly ExampleProcess[];
  readonly #environment: Readonly<Record<string, string>>;
  #worker: ExampleProcess;

  private constructor(
    environment: Readonly<Record<string, string>>,
    servers: readonly ExampleProcess[],
    worker: ExampleProcess,
  ) {
    this.#environment = environment;
    this.#servers = servers;
    this.#worker = worker;
    this.urls = environment["SERVERS"].split(",");
  }

  static async start(engine: Engine): Promise<AssistantServers> {
    const ports = [await freePort(), await freePort()];
    const environment = {
      REDIS_URL: `redis://127.0.0.1:${engine.port}`,
      SERVERS: ports.map((port) => `http://localhost:${port}`).join(","),
      WORKER_KEY: "secret of the tests",
      TOKEN_MS: "40",
    };
    const servers = ports.map((port) =>
      ExampleProcess.start("assistant/dist/server.js", {
        environment: { ...environment, PORT: String(port) },
      }),
    );
    const worker = startWorker(environment);
    return new AssistantServers(environment, await Promise.all(servers), await worker);
  }

  /** Ends a server as a crash does. */
  async killServer(url: string): Promise<void> {
    await this.#servers[this.urls.indexOf(url)].kill("SIGKILL");
  }

  /** Ends the worker as a crash does, and starts another one. */
  async replaceWorker(): Promise<void> {
    await this.#worker.kill("SIGKILL");
    this.#worker = await startWorker(this.#environment);
  }

  async stop(): Promise<void> {
    const processes = [...this.#servers, this.#worker];
    await Promise.all(processes.map((process) => process.kill("SIGKILL")));
  }
}

function startWorker(environment: Readonly<Record<string, string>>): Promise<ExampleProcess> {
  return ExampleProcess.start("assistant/dist/worker.js", { environment });
}
