import type { ReconnectingWebSocket } from "tideway";
import type { ChatTransport } from "./chat-client.ts";

/** How the connection stands. */
export type ConnectionState =
  | { readonly kind: "connecting" }
  /** `awayMs` is how long there was no connection; absent the first time. */
  | { readonly kind: "online"; readonly awayMs?: number }
  /** The next attempt is made at `retryAt`, in milliseconds since 1970. */
  | { readonly kind: "waiting"; readonly code: number; readonly retryAt: number }
  /** No attempt follows by itself. */
  | { readonly kind: "stopped"; readonly code: number; readonly reason: string };

export interface ConnectionListener {
  onState(state: ConnectionState): void;
  onMessage(data: unknown): void;
}

/**
 * The connection to the chat's server. Coming back is the work of `ReconnectingWebSocket`; added
 * here is how long it took, and coming back at once where there is reason to.
 */
export class Connection implements ChatTransport {
  readonly #open: () => ReconnectingWebSocket;
  readonly #listener: ConnectionListener;
  readonly #now: () => number;
  #socket: ReconnectingWebSocket;
  #state: ConnectionState = { kind: "connecting" };
  #lostAt: number | undefined;

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

  /** Gives up the present connection, or the wait for one, and makes a new attempt at once. */
  tryNow(): void {
    const abandoned = this.#socket;
    if (this.#state.kind === "online") this.#lostAt = this.#now();
    this.#setState({ kind: "connecting" });
    this.#socket = this.#connect();
    abandoned.close();
  }

  #connect(): ReconnectingWebSocket {
    const socket = this.#open();
    // Of a connection that was given up, nothing is heard any more.
    const whileCurrent =
      <Heard extends Event>(listener: (event: Heard) => void) =>
      (event: Heard): void => {
        if (socket === this.#socket) listener(event);
      };
    socket.addEventListener(
      "open",
      whileCurrent(() => this.#opened()),
    );
    socket.addEventListener(
      "message",
      whileCurrent(({ data }: MessageEvent) => this.#listener.onMessage(data)),
    );
    socket.addEventListener(
      "reconnecting",
      whileCurrent(({ code, delayMs }) => {
        this.#lostAt ??= this.#now();
        this.#setState({ kind: "waiting", code, retryAt: this.#now() + delayMs });
      }),
    );
    socket.addEventListener(
      "close",
      whileCurrent(({ code, reason }) => {
        this.#lostAt ??= this.#now();
        this.#setState({ kind: "stopped", code, reason });
      }),
    );
    return socket;
  }

  #opened(): void {
    const lostAt = this.#lostAt;
    this.#lostAt = undefined;
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
