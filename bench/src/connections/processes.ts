import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import type {
  ClientAnswer,
  ClientCount,
  ClientOrder,
  ClientReport,
  OpenOrder,
  ServeOrder,
  ServerAnswer,
  ServerOrder,
  ServerState,
} from "./messages.ts";

/** The role of a process, which is its first argument. */
export type Role = "server" | "clients";

/** A process of the run. It ends together with the run. */
class Child<Order extends object, Answer extends { readonly kind: string }> {
  readonly #process: ChildProcess;
  readonly #name: string;
  #end: string | undefined;

  protected constructor(program: string, role: Role, name: string) {
    this.#name = name;
    this.#process = fork(program, [role], { execArgv: ["--expose-gc"] });
    // For a process that has ended, `send` reports an error, and `check` the exit.
    this.#process.on("error", () => {});
    this.#process.on("exit", (code, signal) => (this.#end = signal ?? `code ${code}`));
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** @throws Error if the process has ended */
  check(): void {
    if (this.#end !== undefined) throw new Error(`${this.#name} exited with ${this.#end}`);
  }

  onAnswer(listener: (answer: Answer) => void): void {
    this.#process.on("message", listener as (answer: unknown) => void);
  }

  protected tell(order: Order): void {
    this.#process.send(order);
  }

  /** Resolves with the next answer of a kind. Rejects if the process exits before. */
  protected answer<Kind extends Answer["kind"]>(
    kind: Kind,
  ): Promise<Extract<Answer, { readonly kind: Kind }>> {
    return new Promise((resolve, reject) => {
      const onMessage = (message: Answer): void => {
        if (message.kind === kind) settle(() => resolve(message as never));
      };
      const onExit = (): void => {
        settle(() => reject(new Error(`${this.#name} exited with ${this.#end}`)));
      };
      const settle = (done: () => void): void => {
        this.#process.off("message", onMessage).off("exit", onExit);
        done();
      };
      this.#process.on("message", onMessage).on("exit", onExit);
    });
  }

  /** Ends the process as a crash does. */
  async kill(): Promise<void> {
    if (this.#end !== undefined) return;
    const exited = once(this.#process, "exit");
    this.#process.kill("SIGKILL");
    await exited;
  }
}

export class ServerProcess extends Child<ServerOrder, ServerAnswer> {
  /** Resolves once the server listens. */
  static async start(program: string, order: Omit<ServeOrder, "ask">): Promise<ServerProcess> {
    const server = new ServerProcess(program, "server", `the server of ${order.addresses[0]}`);
    server.tell({ ask: "serve", ...order });
    await server.answer("listening");
    return server;
  }

  async state(): Promise<ServerState> {
    const state = this.answer("state");
    this.tell({ ask: "state" });
    return await state;
  }
}

export class ClientProcess extends Child<ClientOrder, ClientAnswer> {
  /** The latest count. */
  count: ClientCount = { kind: "count", open: 0, lost: 0, errors: {} };

  static async start(program: string, index: number): Promise<ClientProcess> {
    const clients = new ClientProcess(program, "clients", `client process ${index}`);
    clients.onAnswer((answer) => {
      if (answer.kind === "count") clients.count = answer;
    });
    await clients.answer("ready");
    return clients;
  }

  open(order: Omit<OpenOrder, "ask">): void {
    this.tell({ ask: "open", ...order });
  }

  expectDrop(): void {
    this.tell({ ask: "expect-drop" });
  }

  async report(): Promise<ClientReport> {
    const report = this.answer("report");
    this.tell({ ask: "report" });
    return await report;
  }
}
