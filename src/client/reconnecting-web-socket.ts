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

/** The same class, with the parameter types that are used here. */
type Socket = EventTarget &
  Omit<InstanceType<ReconnectableConstructor>, "send"> & { send(data: unknown): void };
type SocketConstructor = new (url: string | URL, protocols: unknown) => Socket;

/** The classes of the runtime that `ReconnectingSocket` uses. */
export interface ReconnectingEnvironment {
  readonly WebSocket: ReconnectableConstructor;
  readonly CloseEvent: CloseEventConstructor;
}

/**
 * The values of `readyState`, which is the state of a `ReconnectingWebSocket`:
 *
 * - CONNECTING: it waits for the next attempt, or attempts to connect. Next: OPEN, CLOSING or CLOSED.
 * - OPEN: it has a connection. Next: CONNECTING when the connection is lost, CLOSING, or CLOSED if `decide`
 *   returns "stop".
 * - CLOSING: `close` was called, and the `close` event follows. Next: CLOSED.
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

/**
 * When the page goes online or becomes visible, an attempt older than this is replaced, because its network
 * may no longer exist.
 */
const STALE_ATTEMPT_MS = 2000;

/** The globals of a web page. A runtime without pages does not have some or all of them. */
interface Page {
  addEventListener?(type: string, listener: (event: Event) => void): void;
  removeEventListener?(type: string, listener: (event: Event) => void): void;
  readonly navigator?: { readonly onLine?: boolean };
  readonly document?: { readonly hidden: boolean };
}
const page: Page = globalThis;

const MORE_TYPES = ["reconnecting", "reconnected"];

/** The delay before an attempt to connect; then the attempt; and then the connection. */
interface Attempt {
  /**
   * The start of the attempt, by a clock that also advances while the machine sleeps. 0 for a delay that ends
   * when the page wakes, and undefined for a delay that does not.
   */
  startedMs?: number;
  /** Undefined until the URL is known. */
  socket?: Socket | undefined;
  /** Makes the heartbeat check the connection at once. */
  check?: (() => void) | undefined;
}

/** No delay: an attempt, or the `close` event after `close()`, follows at once. */
const AT_ONCE: Attempt = {};

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
  /** The current delay, attempt or connection. Events of other sockets are ignored. */
  #attempt!: Attempt;
  /** The newest socket, in any state. */
  #latest: Socket | undefined;
  /** The number of attempts since the last stable connection. */
  #attempts = 0;
  #lastRetry: Omit<ReconnectEvent, keyof Event> | undefined;
  #connections = 0;
  /** The number of invalid targets. Only the error of the first one is printed to the console. */
  #invalidTargets = 0;
  /** The timer starts the next attempt, ends the current one, or resets `#attempts` while OPEN. */
  #timer: unknown;
  /** The functions that created `#timer`. The options may have other functions by now. */
  #timers: Timers | undefined;

  constructor(
    environment: ReconnectingEnvironment,
    url: ValueOrProvider<string | URL>,
    protocols?: ValueOrProvider<Protocols> | ReconnectingWebSocketOptions,
  ) {
    super();
    this.#environment = environment;
    this.options = isOptions<ReconnectingWebSocketOptions>(protocols)
      ? protocols
      : { protocols: protocols! };
    this.#url = url;
    // With plain values, an invalid target throws here.
    if (this.#target.some((part) => typeof part === "function")) void this.#connect();
    else this.#open((this.#attempt = { startedMs: Date.now() }), this.#target as Target);
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
    return this.#unsent.size + (this.#attempt.socket?.bufferedAmount ?? 0);
  }

  get extensions(): string {
    return this.#attempt.socket?.extensions ?? "";
  }

  get protocol(): string {
    return this.#attempt.socket?.protocol ?? "";
  }

  get binaryType(): BinaryType {
    return this.#binaryType;
  }

  set binaryType(value: BinaryType) {
    if (!["blob", "arraybuffer"].includes(value)) return;
    this.#binaryType = value;
    if (this.#attempt.socket) this.#attempt.socket.binaryType = value;
  }

  send(data: WebSocketData): void {
    if (this.#readyState === OPEN && this.#attempt.socket!.readyState === OPEN)
      this.#attempt.socket!.send(data);
    else
      this.#unsent.add(data, this.#readyState < CLOSING ? this.#options.maxQueuedBytes : undefined);
  }

  reconnect(): void {
    if (this.#readyState > OPEN || this.#attempt === AT_ONCE) return;
    this.#attempt = AT_ONCE;
    this.#latest?.close();
    this.#retry(NO_CONNECTION, 0);
  }

  close(...codeAndReason: [code?: number, reason?: string]): void {
    if (this.#readyState === OPEN) this.#unsent.send(this.#attempt.socket);
    // The latest socket also checks the arguments. They are passed on unchanged, because Chromium throws for
    // a code that is explicitly undefined.
    this.#latest?.close(...codeAndReason);
    if (this.#readyState > OPEN) return;
    if (this.#readyState === CONNECTING) {
      this.#attempt = AT_ONCE;
      this.#setTimer(() => this.#finish(NO_CONNECTION), 0);
    }
    this.#readyState = CLOSING;
  }

  /** The parts of a `Target`; each is a value, or a function that returns it. */
  get #target(): ValueOrProvider<unknown>[] {
    return [this.#url, this.#options.protocols, this.#options.webSocketOptions];
  }

  /** Attempts to connect, and first calls the functions in the target. */
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
          // A mistake in the application. As a plain value, it would have thrown in the constructor.
          if (!this.#invalidTargets++) console.error(error);
          throw error;
        }
      }
    } catch (error) {
      this.#failAttempt(attempt, error);
    }
  }

  #open(attempt: Attempt, [url, protocols, options]: Target): void {
    const socket = new (this.#environment.WebSocket as unknown as SocketConstructor)(url, {
      ...options,
      protocols,
    });
    attempt.socket = this.#latest = socket;
    try {
      // The heartbeat adds its listeners first, so that it can stop the delivery of replies.
      attempt.check = this.#options.heartbeat?.(socket, this.#options.timers);
    } catch (error) {
      socket.close();
      throw error;
    }
    const listen = (type: string, listener: (event: never) => void): void =>
      socket.addEventListener(type, (event) => {
        if (socket === this.#attempt.socket) listener(event as never);
      });
    socket.binaryType = this.#binaryType;
    listen("open", () => this.#opened());
    // A message event has all properties that the constructor of MessageEvent reads.
    listen("message", (event: MessageEvent) =>
      this.dispatchEvent(new MessageEvent("message", event as object)),
    );
    listen("error", ({ error }: { error?: unknown }) => this.#dispatch("error", { error }));
    listen("close", (event: CloseInit) => this.#lost(event));
    // The heartbeat may have called `reconnect` or `close`.
    if (attempt === this.#attempt) this.#limitAttempt(attempt, options?.handshakeTimeoutMs);
  }

  /** Fails the attempt if the current step does not end in time. */
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
    // From now on, events of this socket are ignored, as between attempts.
    attempt.socket = undefined;
    this.#latest?.close();
    this.#dispatch("error", { error });
    // A listener may have called `reconnect` or `close`.
    if (attempt === this.#attempt) this.#lost({ ...NO_CONNECTION, error });
  }

  #opened(): void {
    this.#readyState = OPEN;
    this.#setTimer(() => (this.#attempts = 0), this.#options.stableAfterMs);
    this.#dispatch("open");
    this.#unsent.send(this.#attempt.socket);
    // A listener may have called `reconnect` or `close`.
    if (this.#connections++ && this.#readyState === OPEN)
      this.#dispatch("reconnected", this.#lastRetry);
  }

  /** Called when the page has gone online or become visible. */
  readonly #wake = ({ type }: Event): void => {
    if (type !== "online" && page.document?.hidden) return;
    if (this.#readyState === OPEN) this.#attempt.check?.();
    else if (Date.now() - this.#attempt.startedMs! > STALE_ATTEMPT_MS) this.reconnect();
  };

  /** Called when the connection has ended, or the attempt has failed. */
  #lost(close: CloseInit): void {
    const delay: Attempt = (this.#attempt = {});
    let decision: ReconnectDecision = "stop";
    try {
      // After its signal has aborted, no attempt can succeed. A function may return another signal.
      if (
        this.#readyState < CLOSING &&
        !(this.#options.webSocketOptions as WebSocketOptions)?.signal?.aborted
      ) {
        this.#readyState = CONNECTING;
        decision = checkDecision(this.#options.decide(close));
      }
    } catch (error) {
      this.#dispatch("error", { error });
    }
    // `decide` or a listener may have called `reconnect` or `close`.
    if (delay !== this.#attempt) return;
    if (decision === "stop") {
      this.#finish(close);
      return;
    }
    // A delay that `decide` asks for does not end when the page wakes, so that it can spare a busy server.
    if (decision === "retry") delay.startedMs = 0;
    this.#retry(
      close,
      // `~~` makes 0 of a decision that is not a number.
      ~~decision +
        (page.navigator?.onLine === false
          ? this.#options.maxDelayMs
          : reconnectDelayMs(
              this.#options,
              this.#attempts,
              // A hidden page waits longer. Browsers slow down its timers in any case.
              page.document?.hidden || decision === "retry-later",
            )),
    );
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

  /** Replaces the timer. A longer delay than 2 ** 31 - 1 ms would end at once. */
  #setTimer(callback: () => unknown, delayMs: number): void {
    this.#timers?.clearTimeout(this.#timer as never);
    this.#timer = (this.#timers = this.#options.timers).setTimeout(
      callback,
      Math.min(2 ** 31 - 1, delayMs),
    );
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
