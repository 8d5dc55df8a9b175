import { WebSocket } from "ws";

/** A message of the plain protocol. */
export interface PlainMessage {
  readonly type: string;
  readonly [field: string]: unknown;
}

/**
 * A client of the chat that implements only the plain protocol, without this package. Any chat
 * client of the protocol can do the same.
 */
export class PlainClient {
  readonly socket: WebSocket;
  readonly #received: PlainMessage[] = [];
  readonly #waiting: (() => void)[] = [];
  /** The close code and reason, once closed. */
  readonly closed: Promise<readonly [code: number, reason: string]>;

  constructor(
    url: string,
    protocols: string | string[] = "json",
    headers: Record<string, string> = {},
  ) {
    this.socket = new WebSocket(url, protocols, { headers });
    this.socket.on("message", (data: Buffer) => {
      this.#received.push(JSON.parse(data.toString()) as PlainMessage);
      for (const inspect of this.#waiting.splice(0)) inspect();
    });
    this.closed = new Promise((resolve) => {
      this.socket.on("error", () => {});
      this.socket.on("close", (code, reason) => {
        resolve([code, reason.toString()]);
        for (const inspect of this.#waiting.splice(0)) inspect();
      });
    });
  }

  /** Connects, and sends its name after it has received its id. */
  static async join(url: string, name: string): Promise<PlainClient & { readonly id: number }> {
    const client = new PlainClient(url);
    const { id } = await client.next("id");
    client.send({ type: "username", id, name, date: Date.now() });
    await client.next("username");
    return Object.assign(client, { id: id as number });
  }

  /** All received messages that {@link next} has not returned. */
  get inbox(): readonly PlainMessage[] {
    return this.#received;
  }

  /** Returns the first message of this type, and waits for it if necessary. */
  async next(type: string): Promise<PlainMessage> {
    for (;;) {
      const index = this.#received.findIndex((message) => message.type === type);
      if (index !== -1) return this.#received.splice(index, 1)[0];
      if (this.socket.readyState === WebSocket.CLOSED) throw new Error(`closed without ${type}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  send(message: object): void {
    this.socket.send(JSON.stringify(message));
  }

  say(text: string, more: object = {}): void {
    this.send({ type: "message", text, date: Date.now(), ...more });
  }
}

/** Waits for a user list with these names, in any order. Skips older lists. */
export async function expectUsers(client: PlainClient, ...names: readonly string[]): Promise<void> {
  for (;;) {
    const { users } = await client.next("userlist");
    if ((users as string[]).toSorted().join() === names.toSorted().join()) return;
  }
}
