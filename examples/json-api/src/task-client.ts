import { WebSocket } from "tideway";
import { ServerMessage, type Task, type TaskRequest } from "./messages.ts";

/** A request without the id, which the client adds. */
type Call = TaskRequest extends infer Request
  ? Request extends { id: number }
    ? Omit<Request, "id">
    : never
  : never;

interface PendingCall {
  readonly resolve: (message: ServerMessage) => void;
  readonly reject: (error: Error) => void;
}

/** A client with a method for each request. It runs in Node.js and in browsers. */
export class TaskClient {
  readonly #socket: WebSocket;
  readonly #pending = new Map<number, PendingCall>();
  readonly #onChange: (task: Task) => void;
  #lastId = 0;

  private constructor(socket: WebSocket, onChange: (task: Task) => void) {
    this.#socket = socket;
    this.#onChange = onChange;
    socket.addEventListener("message", ({ data }) => this.#receive(data));
    socket.addEventListener("close", ({ code }) => {
      for (const { reject } of this.#pending.values()) {
        reject(new Error(`the connection closed with ${code} before the reply`));
      }
      this.#pending.clear();
    });
  }

  /** Connects. `onChange` gets the tasks that any client adds or completes. */
  static async connect(
    url: string,
    onChange: (task: Task) => void = () => {},
  ): Promise<TaskClient> {
    const socket = new WebSocket(url);
    const client = new TaskClient(socket, onChange);
    await socket.onOpen.first;
    return client;
  }

  async list(): Promise<readonly Task[]> {
    const reply = await this.#call({ type: "list" });
    if (reply.type !== "tasks") throw unexpected(reply);
    return reply.tasks;
  }

  async add(title: string): Promise<Task> {
    const reply = await this.#call({ type: "add", title });
    if (reply.type !== "task") throw unexpected(reply);
    return reply.task;
  }

  async complete(taskId: number): Promise<Task> {
    const reply = await this.#call({ type: "complete", taskId });
    if (reply.type !== "task") throw unexpected(reply);
    return reply.task;
  }

  close(): void {
    this.#socket.close();
  }

  #call(call: Call): Promise<ServerMessage> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.#socket.send(JSON.stringify({ ...call, id }));
    });
  }

  #receive(data: unknown): void {
    const message = readMessage(data);
    if (message === undefined) {
      // In the range of an application (RFC 6455 7.4.2): a browser cannot send 1007.
      this.#socket.close(4000, "invalid message");
    } else if (message.type === "changed") {
      this.#onChange(message.task);
    } else {
      this.#settle(message.id, message);
    }
  }

  #settle(id: number, message: ServerMessage): void {
    const call = this.#pending.get(id);
    this.#pending.delete(id);
    if (message.type === "error") call?.reject(new Error(message.message));
    else call?.resolve(message);
  }
}

function readMessage(data: unknown): ServerMessage | undefined {
  try {
    return ServerMessage.parse(JSON.parse(String(data)));
  } catch {
    return undefined;
  }
}

function unexpected({ type }: ServerMessage): Error {
  return new Error(`the server replied with the wrong type: ${type}`);
}
