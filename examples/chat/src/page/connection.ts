import type { ReconnectingWebSocket } from "tideway";
import type { ChatTransport } from "./chat-client.ts";

/** The state of the connection. */
export type ConnectionState =
  | { readonly kind: "connecting" }
  /** `awayMs` is how long the page was disconnected; absent for the first connection. */
  | { readonly kind: "online"; readonly awayMs?: number }
  /**
   * The next attempt is made at `retryAt`, in milliseconds since 1970. `code` is the last close code that the
   * server sent; attempts that fail later do not change it. 1006 if the server sent none.
   */
  | { readonly kind: "waiting"; readonly code: number; readonly retryAt: number }
  /** The connection has ended, and no further attempt follows automatically. */
  | { readonly kind: "stopped"; readonly code: number; readonly reason: string };

/** RFC 6455 7.1.5: the connection ended without a Close frame. */
const ABNORMAL_CLOSURE = 1006;

export interface ConnectionListener {
  onState(state: ConnectionState): void;
  onMessage(data: unknown): void;
}

/**
 * The connection to the chat's server. `ReconnectingWebSocket` reconnects. This class adds how long the page was
 * disconnected, and a restart after a stop.
 */
export class Connection implements ChatTransport {
  readonly #open: () => ReconnectingWebSocket;
  readonly #listener: ConnectionListener;
  readonly #now: () => number;
  #hasBeenOnline = false;
  #socket: ReconnectingWebSocket;
  #state: ConnectionState = { kind: "connecting" };
  #lostAt: number | undefined;
  #lostCode: number | undefined;

  constructor(
    open: () => ReconnectingWebSocket,
    listener: ConnectionListener,
    now: () => number = Date.now,
  ) {
    this.#open = open;
    this.#listener = listener;
    this.#now = now;
    this.#socket = this.#connect();
  }

  get state(): ConnectionState {
    return this.#state;
  }

  get isOpen(): boolean {
    return this.#state.kind === "online" && this.#socket.readyState === this.#socket.OPEN;
  }

  get bufferedAmount(): number {
    return this.#socket.bufferedAmount;
  }

  send(text: string): void {
    this.#socket.send(text);
  }

  /** Drops the current connection or the scheduled attempt, and starts a new attempt at once. */
  tryNow(): void {
    if (this.#state.kind !== "stopped") {
      this.#socket.reconnect();
      return;
    }
    this.#setState({ kind: "connecting" });
    this.#socket = this.#connect();
  }

  #connect(): ReconnectingWebSocket {
    const socket = this.#open();
    socket.addEventListener("open", () => this.#opened());
    socket.addEventListener("message", ({ data }) => this.#listener.onMessage(data));
    socket.addEventListener("reconnecting", ({ code, delayMs }) => {
      if (code !== ABNORMAL_CLOSURE) this.#lostCode = code;
      const retryAt = this.#now() + delayMs;
      const waiting = { kind: "waiting", code: this.#lostCode ?? code, retryAt } as const;
      this.#lost(delayMs === 0 ? { kind: "connecting" } : waiting);
    });
    socket.addEventListener("close", ({ code, reason }) => {
      this.#lost({ kind: "stopped", code, reason });
    });
    return socket;
  }

  #lost(state: ConnectionState): void {
    if (this.#hasBeenOnline) this.#lostAt ??= this.#now();
    this.#setState(state);
  }

  #opened(): void {
    const lostAt = this.#lostAt;
    this.#lostAt = undefined;
    this.#lostCode = undefined;
    this.#hasBeenOnline = true;
    this.#setState({
      kind: "online",
      ...(lostAt === undefined ? {} : { awayMs: this.#now() - lostAt }),
    });
  }

  #setState(state: ConnectionState): void {
    this.#state = state;
    this.#listener.onState(state);
  }
}
