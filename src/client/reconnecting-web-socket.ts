import { TidewayError } from "../errors/index.ts";
import type { CloseEventConstructor, CloseEventInit } from "./close-event.ts";
import { defineEventHandlers, type EventHandlers } from "./event-handlers.ts";
import { recordEnd, withEventStreams, type WebSocketLike } from "./event-streams.ts";
import { isOptions } from "./options-argument.ts";
import type { WebSocketOptions } from "./options.ts";
import { checkDecision, type ReconnectDecision, reconnectDelayMs } from "./reconnect-policy.ts";
import type {
  Protocols,
  ReconnectEvent,
  ReconnectingWebSocketOptions,
  Timers,
  ValueOrProvider,
} from "./reconnecting-interface.ts";
import { type ReconnectingSettings, withDefaults } from "./reconnecting-options.ts";
import { UnsentMessages } from "./unsent-messages.ts";
import type { BinaryType, WebSocketData } from "./web-socket-interface.ts";

/** The class of WebSockets to connect with. */
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

/** The parts of the runtime that the class uses. */
export interface ReconnectingEnvironment {
  readonly WebSocket: ReconnectableConstructor;
  readonly CloseEvent: CloseEventConstructor;
}

/**
 * The values of `readyState`, which is the state of a `ReconnectingWebSocket`:
 *
 * - CONNECTING: waits for the next attempt, or attempts to connect; then OPEN, CLOSING or CLOSED.
 * - OPEN: has a connection; then CONNECTING when it is lost, CLOSING, or CLOSED when `decide` stops.
 * - CLOSING: `close` was called, and the `close` event follows; then CLOSED.
 * - CLOSED: the final state.
 */
const CONNECTING = 0;
const OPEN = 1;
const CLOSING = 2;
const CLOSED = 3;

type CloseInit = Required<Pick<CloseEventInit, "code" | "reason" | "wasClean">> & {
  readonly error?: unknown;
};
const NO_CONNECTION: CloseInit = { code: 1006, reason: "", wasClean: false };

/** When the page wakes, an older attempt is replaced, because its network may not exist any more. */
const STALE_ATTEMPT_MS = 2000;

/** The globals of a web page. A runtime without pages lacks some or all of them. */
interface Page {
  addEventListener?(type: string, listener: () => void): void;
  removeEventListener?(type: string, listener: () => void): void;
  readonly navigator?: { readonly onLine?: boolean };
  readonly document?: { readonly hidden: boolean };
}
const page: Page = globalThis;

const MORE_TYPES = ["reconnecting", "reconnected"];

/** An attempt to connect, and then the connection. */
interface Attempt {
  /** By a clock that advances while the machine sleeps. */
  readonly startedMs: number;
  /** Undefined until the URL is known. */
  socket?: Socket | undefined;
  /** Makes the heartbeat check the connection at once. */
  check?: (() => void) | undefined;
}

/** The parameters of a `SocketConstructor`. */
type Target = [url: string | URL, protocols: Protocols, options: WebSocketOptions | undefined];

/**
 * The base class of `ReconnectingWebSocket` in every runtime. A subclass has a constructor with the
 * parameters `url` and `protocols`.
 */
export abstract class ReconnectingSocket extends EventTarget {
  readonly #environment: ReconnectingEnvironment;
  readonly #url: ValueOrProvider<string | URL>;
  readonly #handlers: EventHandlers = {};
  readonly #unsent = new UnsentMessages();
  #options!: ReconnectingSettings;
  #readyState: number = CONNECTING;
  #binaryType: BinaryType = "blob";
  /** The current attempt or connection; undefined between attempts. Events of others are ignored. */
  #attempt: Attempt | undefined;
  /** The newest socket, in any state. */
  #latest: Socket | undefined;
  /** How many attempts there were since the last stable connection. */
  #attempts = 0;
  #lastRetry: Omit<ReconnectEvent, keyof Event> | undefined;
  #connections = 0;
  /** How many targets were invalid. The error of the first is printed to the console. */
  #invalidTargets = 0;
  /** The timer starts the next attempt, ends the current one, or resets `#attempts` while OPEN. */
  #timer: unknown;
  /** Made `#timer`. The options may have other timers by now. */
  #timers: Timers | undefined;

  constructor(
    environment: ReconnectingEnvironment,
    url: ValueOrProvider<string | URL>,
    protocols: ValueOrProvider<Protocols> | ReconnectingWebSocketOptions = [],
  ) {
    super();
    this.#environment = environment;
    this.options = isOptions<ReconnectingWebSocketOptions>(protocols) ? protocols : { protocols };
    this.#url = url;
    const target = this.#target;
    // A mistake in a plain value throws here.
    if (target.some((part) => typeof part === "function")) void this.#connect();
    else this.#open((this.#attempt = { startedMs: Date.now() }), target as Target);
    for (const type of ["online", "visibilitychange"]) page.addEventListener?.(type, this.#wake);
  }

  get options(): ReconnectingWebSocketOptions {
    return this.#options;
  }

  set options(options: ReconnectingWebSocketOptions) {
    this.#options = withDefaults(options);
  }

  get url(): string {
    return this.#latest?.url ?? "";
  }

  get readyState(): number {
    return this.#readyState;
  }

  get bufferedAmount(): number {
    return this.#unsent.size + (this.#socket?.bufferedAmount ?? 0);
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
    if (!["blob", "arraybuffer"].includes(value)) return;
    this.#binaryType = value;
    if (this.#socket) this.#socket.binaryType = value;
  }

  send(data: WebSocketData): void {
    if (this.#readyState === OPEN && this.#socket!.readyState === OPEN) this.#socket!.send(data);
    else
      this.#unsent.add(data, this.#readyState < CLOSING ? this.#options.maxQueuedBytes : undefined);
  }

  reconnect(): void {
    if (this.#readyState > OPEN) return;
    this.#attempt = undefined;
    this.#latest?.close();
    this.#retry(NO_CONNECTION, 0);
  }

  close(...codeAndReason: [code?: number, reason?: string]): void {
    if (this.#readyState === OPEN) this.#unsent.send(this.#socket);
    // The latest socket also checks the arguments. (Chromium refuses an undefined code.)
    this.#latest?.close(...codeAndReason);
    if (this.#readyState > OPEN) return;
    if (this.#readyState === CONNECTING) {
      this.#attempt = undefined;
      this.#setTimer(() => this.#finish(NO_CONNECTION), 0);
    }
    this.#readyState = CLOSING;
  }

  get #socket(): Socket | undefined {
    return this.#attempt?.socket;
  }

  /** The parts of a `Target`, or functions that return them. */
  get #target(): ValueOrProvider<unknown>[] {
    return [this.#url, this.#options.protocols, this.#options.webSocketOptions];
  }

  /** Attempts to connect to a target that has functions. */
  async #connect(): Promise<void> {
    const attempt: Attempt = (this.#attempt = { startedMs: Date.now() });
    this.#limitAttempt(attempt);
    try {
      const target = await Promise.all(
        this.#target.map(async (part) => (typeof part === "function" ? part() : part)),
      );
      if (attempt === this.#attempt) {
        try {
          this.#open(attempt, target as Target);
        } catch (error) {
          // A mistake in the application. Given as a plain value, it would have thrown at once.
          if (!this.#invalidTargets++) console.error(error);
          throw error;
        }
      }
    } catch (error) {
      this.#failAttempt(attempt, error);
    }
  }

  #open(attempt: Attempt, [url, protocols, options]: Target): void {
    const socket = new (this.#environment.WebSocket as unknown as SocketConstructor)(
      url,
      options ? { ...options, protocols } : protocols,
    );
    attempt.socket = this.#latest = socket;
    try {
      // Its listeners are added first, so that it can stop the replies.
      attempt.check = this.#options.heartbeat?.(socket, this.#options.timers);
    } catch (error) {
      socket.close();
      throw error;
    }
    const listen = (type: string, listener: (event: never) => void): void =>
      socket.addEventListener(type, (event) => {
        if (socket === this.#socket) listener(event as never);
      });
    socket.binaryType = this.#binaryType;
    listen("open", () => this.#opened());
    // A message event has all properties of the dictionary for a new message event.
    listen("message", (event: MessageEvent) =>
      this.dispatchEvent(new MessageEvent("message", event as object)),
    );
    listen("error", ({ error }: { error?: unknown }) => this.#dispatch("error", { error }));
    listen("close", (event: CloseInit) => this.#lost(event));
    // The heartbeat may have called `reconnect` or `close`.
    if (attempt === this.#attempt) this.#limitAttempt(attempt, options?.handshakeTimeoutMs);
  }

  /** Fails the attempt if it makes no progress in time. */
  #limitAttempt(attempt: Attempt, timeoutMs: number = this.#options.handshakeTimeoutMs): void {
    this.#setTimer(
      () =>
        this.#failAttempt(
          attempt,
          new TidewayError("HANDSHAKE_TIMEOUT", `no answer in handshakeTimeoutMs ${timeoutMs}`),
        ),
      timeoutMs,
    );
  }

  #failAttempt(attempt: Attempt, error: unknown): void {
    if (attempt !== this.#attempt) return;
    // As between attempts. Events of this socket are ignored from now on.
    attempt.socket = undefined;
    this.#latest?.close();
    this.#dispatch("error", { error });
    // A listener may have called `reconnect` or `close`.
    if (attempt === this.#attempt) this.#lost({ ...NO_CONNECTION, error });
  }

  #opened(): void {
    this.#readyState = OPEN;
    this.#setTimer(() => (this.#attempts = 0), this.#options.stableAfterMs);
    const isAgain = this.#connections++;
    this.#dispatch("open");
    this.#unsent.send(this.#socket);
    // A listener may have called `reconnect` or `close`.
    if (isAgain && this.#readyState === OPEN) this.#dispatch("reconnected", this.#lastRetry);
  }

  /** The page has come online or become visible. */
  readonly #wake = (): void => {
    if (page.document?.hidden) return;
    if (this.#readyState === OPEN) this.#attempt!.check?.();
    else if (Date.now() - (this.#attempt?.startedMs ?? 0) > STALE_ATTEMPT_MS) this.reconnect();
  };

  /** The connection has ended, or the attempt has failed. */
  #lost(close: CloseInit): void {
    this.#attempt = undefined;
    let decision: ReconnectDecision = "stop";
    try {
      if (this.#readyState < CLOSING) {
        this.#readyState = CONNECTING;
        decision = checkDecision(this.#options.decide(close));
      }
    } catch (error) {
      this.#dispatch("error", { error });
    }
    if (decision === "stop") {
      this.#finish(close);
      return;
    }
    // The timers of a hidden page are slow anyway.
    const isLater = page.document?.hidden || decision === "retry-later";
    const delayMs =
      page.navigator?.onLine === false
        ? this.#options.maxDelayMs
        : reconnectDelayMs(this.#options, this.#attempts, isLater);
    // A decision that is not a number counts as 0. Beyond a timer's longest delay, the timer would fire at
    // once.
    this.#retry(close, Math.min(2 ** 31 - 1, delayMs + ~~decision));
  }

  #retry({ code, reason }: CloseInit, delayMs: number): void {
    this.#readyState = CONNECTING;
    this.#lastRetry = { attempt: ++this.#attempts, delayMs, code, reason };
    this.#setTimer(() => this.#connect(), delayMs);
    this.#dispatch("reconnecting", this.#lastRetry);
  }

  #finish(close: CloseInit): void {
    recordEnd(this, close);
    this.#timers?.clearTimeout(this.#timer as never);
    for (const type of ["online", "visibilitychange"]) page.removeEventListener?.(type, this.#wake);
    this.#readyState = CLOSED;
    this.dispatchEvent(new this.#environment.CloseEvent("close", close));
  }

  #dispatch(type: string, properties?: object): void {
    this.dispatchEvent(Object.assign(new Event(type), properties));
  }

  /** Replaces the timer. */
  #setTimer(callback: () => unknown, delayMs: number): void {
    this.#timers?.clearTimeout(this.#timer as never);
    this.#timer = (this.#timers = this.#options.timers).setTimeout(callback, delayMs);
  }

  static {
    withEventStreams(this as never, MORE_TYPES);
    defineEventHandlers(
      this.prototype,
      ["open", "message", "error", "close", ...MORE_TYPES],
      (socket) => socket.#handlers,
    );
    Object.assign(this.prototype, Object.assign(this, { CONNECTING, OPEN, CLOSING, CLOSED }));
  }
}
