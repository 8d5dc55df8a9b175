import { TidewayError } from "../errors/index.ts";
import { checkCloseArguments } from "./close-arguments.ts";
import type { CloseEventConstructor, CloseEventInit } from "./close-event.ts";
import { defineEventHandlers } from "./event-handlers.ts";
import { withEventStreams, type WebSocketLike } from "./event-streams.ts";
import { isOptions } from "./options-argument.ts";
import { decideReconnect, type ReconnectDelays, reconnectDelayMs } from "./reconnect-policy.ts";
import type {
  Asked,
  Protocols,
  ReconnectEvent,
  ReconnectingWebSocketConstructor,
  ReconnectingWebSocketOptions,
  Timers,
} from "./reconnecting-interface.ts";
import type { BinaryType, WebSocketData } from "./web-socket-interface.ts";

/** The class of WebSockets to connect with: this package's, a browser's, or another's. */
export type ReconnectableConstructor = new (
  url: string | URL,
  protocols?: never,
) => WebSocketLike & {
  readonly url: string;
  readonly bufferedAmount: number;
  readonly extensions: string;
  readonly protocol: string;
  binaryType: string;
  send(data: never): void;
  close(code?: number, reason?: string): void;
};

/** The same with the parameters that are used here. */
type Socket = EventTarget &
  Omit<InstanceType<ReconnectableConstructor>, "send"> & { send(data: unknown): void };
type SocketConstructor = new (url: string | URL, protocols: unknown) => Socket;

const CONNECTING = 0;
const OPEN = 1;
const CLOSING = 2;
const CLOSED = 3;
type CloseInit = Required<Pick<CloseEventInit, "code" | "reason" | "wasClean">>;
const NO_CONNECTION: CloseInit = { code: 1006, reason: "", wasClean: false };

const MORE_TYPES = ["reconnecting", "reconnected"];

/**
 * Makes the `ReconnectingWebSocket` class over a class of WebSockets.
 *
 * @param prepare is given each new instance, to do what its runtime wants of an event target
 */
export function defineReconnectingWebSocket(
  base: ReconnectableConstructor,
  CloseEventClass: CloseEventConstructor,
  prepare?: (target: EventTarget) => void,
): ReconnectingWebSocketConstructor {
  class ReconnectingWebSocket extends EventTarget {
    readonly #url: Asked<string | URL>;
    readonly #protocols: Asked<Protocols>;
    readonly #limits: ReconnectDelays & { stableAfterMs: number; maxQueuedBytes: number };
    readonly #timers: Timers;
    readonly #options: ReconnectingWebSocketOptions;
    #readyState: number = CONNECTING;
    #binaryType: BinaryType = "blob";
    /** The connection, or the attempt at one; events of any other socket are not heard. */
    #socket: Socket | undefined;
    #lastUrl = "";
    /** Attempts since the last stable connection. */
    #attempt = 0;
    #lastRetry: Omit<ReconnectEvent, keyof Event> | undefined;
    #hasBeenOpen = false;
    /** Between connections: until the next attempt. In a connection: until it counts as stable. */
    #timer: unknown;
    #queue: (string | Blob)[] = [];
    #queuedBytes = 0;

    constructor(
      url: Asked<string | URL>,
      protocols: Asked<Protocols> | ReconnectingWebSocketOptions = [],
    ) {
      super();
      prepare?.(this);
      const {
        protocols: offered = [],
        initialDelayMs = 2000,
        maxDelayMs = 30_000,
        stableAfterMs = 5000,
        maxQueuedBytes = 1_048_576,
        timers = globalThis,
        ...rest
      } = isOptions<ReconnectingWebSocketOptions>(protocols) ? protocols : { protocols };
      this.#limits = { initialDelayMs, maxDelayMs, stableAfterMs, maxQueuedBytes };
      for (const [name, value] of Object.entries(this.#limits)) {
        // A timer's longest delay; beyond it timers fire at once.
        if (!(value >= 0 && value < 2 ** 31))
          throw new TidewayError("INVALID_OPTION", `${name} ${value}`);
      }
      this.#timers = timers;
      this.#options = rest;
      this.#url = url;
      this.#protocols = offered;
      if (typeof url === "function" || typeof offered === "function") void this.#connect();
      else this.#open(url, offered);
    }

    get url(): string {
      return this.#lastUrl;
    }

    get readyState(): number {
      return this.#readyState;
    }

    get bufferedAmount(): number {
      return this.#queuedBytes + (this.#socket?.bufferedAmount ?? 0);
    }

    get extensions(): string {
      return this.#socket?.extensions ?? "";
    }

    get protocol(): string {
      return this.#socket?.protocol ?? "";
    }

    get binaryType(): BinaryType {
      return this.#binaryType;
    }

    set binaryType(value: BinaryType) {
      if (value !== "blob" && value !== "arraybuffer") return;
      this.#binaryType = value;
      if (this.#socket) this.#socket.binaryType = value;
    }

    send(data: WebSocketData): void {
      if (this.#readyState === OPEN && this.#socket!.readyState === OPEN) {
        this.#socket!.send(data);
        return;
      }
      const isBinary =
        data instanceof Blob || data instanceof ArrayBuffer || ArrayBuffer.isView(data);
      // A Blob is a copy of bytes that the caller may go on to change, and is sent as such.
      const copy = new Blob([isBinary ? (data as BlobPart) : `${data}`]);
      if (this.#readyState < CLOSING) {
        const room = this.#limits.maxQueuedBytes - this.#queuedBytes;
        if (copy.size > room) {
          const message = `message of ${copy.size} bytes exceeds the ${room} left of maxQueuedBytes`;
          throw new TidewayError("QUEUE_FULL", message);
        }
        this.#queue.push(isBinary ? copy : `${data}`);
      }
      this.#queuedBytes += copy.size;
    }

    close(code?: number, reason = ""): void {
      checkCloseArguments(code, new Blob([reason]).size);
      if (this.#readyState > OPEN) return;
      const socket = this.#socket;
      if (this.#readyState === OPEN) {
        this.#flush();
        this.#readyState = CLOSING;
        socket!.close(code ?? (reason === "" ? undefined : 1000), reason);
        return;
      }
      this.#readyState = CLOSING;
      this.#socket = undefined;
      socket?.close();
      this.#setTimer(() => this.#finish(NO_CONNECTION), 0);
    }

    async #connect(): Promise<void> {
      try {
        const [url, protocols] = await Promise.all([ask(this.#url), ask(this.#protocols)]);
        if (this.#readyState === CONNECTING) this.#open(url, protocols);
      } catch (error) {
        if (this.#readyState !== CONNECTING) return;
        this.#dispatch("error", { error });
        this.#lost(NO_CONNECTION);
      }
    }

    #open(url: string | URL, protocols: Protocols): void {
      const { webSocketOptions } = this.#options;
      const socket = new (base as unknown as SocketConstructor)(
        url,
        webSocketOptions ? { ...webSocketOptions, protocols } : protocols,
      );
      const listen = (type: string, listener: (event: never) => void): void =>
        socket.addEventListener(type, (event) => {
          if (socket === this.#socket) listener(event as never);
        });
      this.#socket = socket;
      this.#lastUrl = socket.url;
      socket.binaryType = this.#binaryType;
      listen("open", () => this.#opened());
      // An event has the properties that a dictionary for making its like has.
      listen("message", (event: MessageEvent) =>
        this.dispatchEvent(new MessageEvent("message", event as object)),
      );
      listen("error", ({ error }: { error?: unknown }) => this.#dispatch("error", { error }));
      listen("close", (event: CloseInit) => this.#lost(event));
    }

    #opened(): void {
      this.#readyState = OPEN;
      this.#setTimer(() => (this.#attempt = 0), this.#limits.stableAfterMs);
      this.#dispatch("open");
      if (this.#hasBeenOpen) this.#dispatch("reconnected", this.#lastRetry);
      this.#hasBeenOpen = true;
      this.#flush();
    }

    #flush(): void {
      if (this.#socket?.readyState !== OPEN) return;
      for (const message of this.#queue) this.#socket.send(message);
      this.#queue = [];
      this.#queuedBytes = 0;
    }

    /** The connection, or the attempt at one, is over. */
    #lost(close: CloseInit): void {
      this.#socket = undefined;
      const isClosing = this.#readyState === CLOSING;
      this.#readyState = CONNECTING;
      const { decide = decideReconnect, random = Math.random } = this.#options;
      const decision = isClosing ? "stop" : decide(close);
      if (decision === "stop") {
        this.#finish(close);
        return;
      }
      const attempt = ++this.#attempt;
      const delayMs = reconnectDelayMs(this.#limits, attempt, decision, random());
      this.#lastRetry = { attempt, delayMs, code: close.code, reason: close.reason };
      this.#setTimer(() => void this.#connect(), delayMs);
      this.#dispatch("reconnecting", this.#lastRetry);
    }

    #finish(close: CloseEventInit): void {
      this.#clearTimer();
      this.#readyState = CLOSED;
      this.dispatchEvent(new CloseEventClass("close", close));
    }

    #dispatch(type: string, properties: object = {}): void {
      this.dispatchEvent(Object.assign(new Event(type), properties));
    }

    #setTimer(callback: () => void, delayMs: number): void {
      this.#clearTimer();
      this.#timer = this.#timers.setTimeout(callback, delayMs);
    }

    #clearTimer(): void {
      this.#timers.clearTimeout(this.#timer as never);
    }

    static {
      defineEventHandlers(this.prototype, ["open", "message", "error", "close", ...MORE_TYPES]);
      for (const target of [this, this.prototype])
        Object.assign(target, { CONNECTING, OPEN, CLOSING, CLOSED });
    }
  }
  return withEventStreams(
    ReconnectingWebSocket,
    MORE_TYPES,
  ) as unknown as ReconnectingWebSocketConstructor;
}

async function ask<T>(asked: Asked<T>): Promise<T> {
  return typeof asked === "function" ? (asked as () => T | PromiseLike<T>)() : asked;
}
