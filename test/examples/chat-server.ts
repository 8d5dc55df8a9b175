import { startChat } from "./chat-process.ts";
import type { ExampleProcess } from "./example-process.ts";

/** A server of the chat that can be killed and restarted. */
export class ChatServer {
  readonly #broker: string;
  #process: ExampleProcess | undefined;

  private constructor(broker: string) {
    this.#broker = broker;
  }

  /** @param broker as for `--broker` */
  static async start(broker: string): Promise<ChatServer> {
    const server = new ChatServer(broker);
    await server.start();
    return server;
  }

  async start(): Promise<void> {
    this.#process = await startChat({ PORT: "0" }, ["--broker", this.#broker]);
  }

  /** Its port, or undefined while it does not listen. */
  get port(): number | undefined {
    return this.#process === undefined ? undefined : Number(this.#process.port);
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}/chat`;
  }

  /** Kills it, as in a crash. */
  async kill(): Promise<void> {
    const process = this.#process;
    this.#process = undefined;
    await process?.kill("SIGKILL");
  }

  /** Ends it as an operator does. Returns its exit code. */
  async stop(): Promise<number | null> {
    const process = this.#process;
    this.#process = undefined;
    return (await process!.kill("SIGTERM")).exitCode;
  }
}
