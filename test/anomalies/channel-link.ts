import type { Channels } from "tideway/channels/server";
import { ChannelError } from "../../src/channels/wire/channel-error.ts";
import type { ClientSession } from "../../src/channels/wire/client-session.ts";
import { PreparedMessage } from "../../src/protocol/prepared-message.ts";

type Message = string | Uint8Array;

/** The connection is full while this many bytes wait for the client. */
const HIGH_WATER_MARK_BYTES = 400;

interface Listener {
  onMessage(message: Message): void;
  onEnd(error: Error | undefined): void;
}

/** A promise, and how to settle it. */
interface Drained {
  readonly promise: Promise<void>;
  resolve(): void;
  reject(error: Error): void;
}

/**
 * A connection between a client's session and a server's, without I/O. A test decides when each message
 * arrives, and after which one the connection is lost.
 */
export class ChannelLink {
  readonly #session: ClientSession;
  readonly toServer: Message[] = [];
  readonly toClient: Message[] = [];
  #listener: Listener | undefined;
  #isPaused = false;
  #isOver = false;
  #drained: Drained | undefined;
  #error: Error | undefined;
  /** The requests of presence that have no answer yet. */
  readonly #presence = new Set<unknown>();

  constructor(api: Channels<never, never>, session: ClientSession) {
    this.#session = session;
    const { handle } = api.route();
    (handle as (socket: unknown, context: unknown) => void)(this.#socket(), {
      protocol: "tideway.channels.1",
      request: new Request("http://test/"),
      remoteAddress: "127.0.0.1",
      state: undefined,
    });
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Whether the client does not know if it is a member. */
  get isPresenceUncertain(): boolean {
    return this.#presence.size > 0;
  }

  /** The client sends a message. */
  send(message: Message): void {
    this.toServer.push(message);
    const { type, id } = read(message);
    if (type === "enter" || type === "leave") this.#presence.add(id);
  }

  /** Delivers the next messages of the client, unless the server does not read. */
  async deliverToServer(count: number): Promise<void> {
    for (let left = count; left > 0 && !this.#isPaused && this.toServer.length > 0; left--) {
      this.#listener!.onMessage(this.toServer.shift()!);
      await jobs();
    }
  }

  /** Delivers the next messages of the server. */
  async deliverToClient(count: number): Promise<void> {
    for (let left = count; left > 0 && this.toClient.length > 0; left--) {
      const message = this.toClient.shift()!;
      if (this.#bufferedAmount < HIGH_WATER_MARK_BYTES) {
        this.#drained?.resolve();
        this.#drained = undefined;
      }
      this.#session.receive(message);
      this.#presence.delete(read(message).id);
      await jobs();
    }
  }

  /** Loses the connection, and the frames in transit. */
  lose(): void {
    this.#end("transport", 1006);
    this.#session.lose(new ChannelError("CONNECTION_LOST"));
  }

  /** The client closes the connection. The server gets the frames in transit. */
  async close(): Promise<void> {
    while (this.toServer.length > 0 && !this.#isPaused) await this.deliverToServer(1);
    this.#end("peer", 1000);
  }

  #end(closedBy: string, closeCode: number): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#error = Object.assign(new Error("the connection is closed"), { closedBy, closeCode });
    this.#drained?.reject(this.#error);
    this.#deliverEnd();
  }

  /** Tells the server once that the connection has ended. While it does not read, it learns of the end later. */
  #deliverEnd(): void {
    if (!this.#isOver || this.#isPaused) return;
    const listener = this.#listener;
    this.#listener = undefined;
    listener?.onEnd(undefined);
  }

  get #bufferedAmount(): number {
    return this.toClient.reduce((sum, { length }) => sum + length, 0);
  }

  #getDrained(): Promise<void> {
    if (this.#error !== undefined) return Promise.reject(this.#error);
    if (this.#bufferedAmount < HIGH_WATER_MARK_BYTES) return Promise.resolve();
    this.#drained ??= createDrained();
    return this.#drained.promise;
  }

  /** The part of a `ServerSocket` that channels use. */
  #socket(): object {
    const bufferedAmount = (): number => this.#bufferedAmount;
    const drained = (): Promise<void> => this.#getDrained();
    return {
      maxMessageBytes: 1_048_576,
      get bufferedAmount() {
        return bufferedAmount();
      },
      get drained() {
        return drained();
      },
      send: (message: Message | PreparedMessage) => {
        if (this.#isOver) return false;
        this.toClient.push(message instanceof PreparedMessage ? message.data : message);
        return this.#bufferedAmount < HIGH_WATER_MARK_BYTES;
      },
      close: (code: number) => {
        if (this.#isOver) return;
        this.#end("local", code);
        this.#session.lose(new ChannelError("CONNECTION_LOST"));
      },
      consume: (listener: Listener) => {
        this.#listener = listener;
        return {
          pause: () => (this.#isPaused = true),
          resume: () => {
            this.#isPaused = false;
            this.#deliverEnd();
          },
        };
      },
    };
  }
}

function createDrained(): Drained {
  let settle!: Pick<Drained, "resolve" | "reject">;
  const promise = new Promise<void>((resolve, reject) => (settle = { resolve, reject }));
  promise.catch(() => {});
  return { promise, ...settle };
}

function read(message: Message): { readonly type?: unknown; readonly id?: unknown } {
  return typeof message === "string" ? (JSON.parse(message) as object) : {};
}

/** Runs everything that waits only for other promises. */
export function jobs(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
