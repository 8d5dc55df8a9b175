import { TidewayError } from "../errors/index.ts";
import type { CloseEventConstructor, CloseEventInit } from "./close-event.ts";
import { defineEventHandlers, type EventHandlers } from "./event-handlers.ts";
import { recordEnd, withEventStreams, type WebSocketLike } from "./event-streams.ts";
import { isOptions } from "./options-argument.ts";
import { type ReconnectDecision, reconnectDelayMs } from "./reconnect-policy.ts";
import type {
  ValueOrProvider,
  DecideReconnect,
  Protocols,
  ReconnectEvent,
  ReconnectingWebSocketConstructor,
  ReconnectingWebSocketOptions,
  Timers,
} from "./reconnecting-interface.ts";
import type { WebSocketOptions } from "./options.ts";
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
type CloseInit = Required<Pick<CloseEventInit, "code" | "reason" | "wasClean">> & {
  readonly error?: unknown;
};
const NO_CONNECTION: CloseInit = { code: 1006, reason: "", wasClean: false };

/** When the page wakes, an older attempt is replaced, because its network may be gone. */
const STALE_ATTEMPT_MS = 2000;

const MORE_TYPES = ["reconnecting", "reconnected"];

const DEFAULTS = {
  initialDelayMs: 2000,
  maxDelayMs: 30_000,
  stableAfterMs: 5000,
  handshakeTimeoutMs: 10_000,
  maxQueuedBytes: 1_048_576,
  random: Math.random,
  timers: globalThis as Timers,
};

/** The options with their defaults. */
type Settings = ReconnectingWebSocketOptions & typeof DEFAULTS;

/** The facts of a repeated attempt. Each attempt has another object. */
type Retry = Omit<ReconnectEvent, keyof Event>;

type OpenArguments = [string | URL, Protocols, WebSocketOptions | undefined];

/** What a page tells of its network and of itself; a runtime without pages has none of it. */
interface Page {
  addEventListener?(type: string, listener: () => void): void;
  removeEventListener?(type: string, listener: () => void): void;
  readonly navigator?: { readonly onLine?: boolean };
  readonly document?: { readonly hidden: boolean };
}
const page = globalThis as Page;

/**
 * Makes the `ReconnectingWebSocket` class over a class of WebSockets.
 *
 * @param decideByDefault what to do where the options do not decide
 * @param prepare is given each new instance, to do what its runtime wants of an event target
 */
export function defineReconnectingWebSocket(
  base: ReconnectableConstructor,
  CloseEventClass: CloseEventConstructor,
  decideByDefault: DecideReconnect,
  prepare?: (target: EventTarget) => void,
): ReconnectingWebSocketConstructor {
  class ReconnectingWebSocket extends EventTarget {
    readonly #url: ValueOrProvider<string | URL>;
    readonly #handlers: EventHandlers = {};
    #options!: Settings;
    #readyState: number = CONNECTING;
    #binaryType: BinaryType = "blob";
    /** The connection, or the attempt at one; events of any other socket are not heard. */
    #socket: Socket | undefined;
    /** The socket made last, whatever has become of it. */
    #latest: Socket | undefined;
    /** Checks by a heartbeat that somebody answers. */
    #checkHeartbeat: (() => void) | undefined;
    /** Attempts since the last stable connection. */
    #attempts = 0;
    #lastRetry: Retry | undefined;
    #connections = 0;
    /** When the attempt began, by a clock that advances while the machine sleeps; 0 between attempts. */
    #attemptedMs = 0;
    #hasReported = false;
    /**
     * Between attempts it runs until the next one, in an attempt until that times out, and in a
     * connection until the connection counts as stable.
     */
    #timer: unknown;
    #timers: Timers | undefined;
    #queue: (string | Blob)[] = [];
    #queuedBytes = 0;

    constructor(
      url: ValueOrProvider<string | URL>,
      protocols: ValueOrProvider<Protocols> | ReconnectingWebSocketOptions = [],
    ) {
      super();
      prepare?.(this);
      this.options = isOptions<ReconnectingWebSocketOptions>(protocols) ? protocols : { protocols };
      this.#url = url;
      if (this.#asked.some((asked) => typeof asked === "function")) void this.#connect();
      else this.#open(this.#asked as OpenArguments);
      this.#listenToPage("addEventListener");
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
      const copy = new Blob([data as BlobPart]);
      if (this.#readyState < CLOSING) {
        const room = this.#options.maxQueuedBytes - this.#queuedBytes;
        if (copy.size > room) {
          throw new TidewayError("QUEUE_FULL", `${copy.size} bytes, room for ${room}`);
        }
        this.#queue.push(isBinary ? copy : `${data}`);
      }
      this.#queuedBytes += copy.size;
    }

    reconnect(): void {
      if (this.#readyState > OPEN) return;
      this.#drop();
      this.#retry(NO_CONNECTION, 0);
    }

    close(...codeAndReason: [code?: number, reason?: string]): void {
      if (this.#readyState === OPEN) this.#flush();
      // In whatever state it is, it checks the arguments too. (Chromium refuses an undefined code.)
      this.#latest?.close(...codeAndReason);
      if (this.#readyState > OPEN) return;
      if (this.#readyState === CONNECTING) {
        this.#socket = undefined;
        this.#setTimer(() => this.#finish(NO_CONNECTION), 0);
      }
      this.#readyState = CLOSING;
    }

    /** What `#open` takes, or functions to be asked for it. */
    get #asked(): ValueOrProvider<unknown>[] {
      return [this.#url, this.#options.protocols, this.#options.webSocketOptions];
    }

    async #connect(): Promise<void> {
      const retry = this.#lastRetry;
      this.#limitAttempt(this.#options.handshakeTimeoutMs);
      try {
        const answers = await Promise.all(
          this.#asked.map(async (asked) => (typeof asked === "function" ? asked() : asked)),
        );
        if (!this.#isWanted(retry)) return;
        try {
          this.#open(answers as OpenArguments);
        } catch (error) {
          // A mistake in the application. Given as plain values, it would have thrown at once.
          if (!this.#hasReported) console.error(error);
          this.#hasReported = true;
          throw error;
        }
      } catch (error) {
        this.#failAttempt(error, retry);
      }
    }

    /** Whether the attempt is current: listeners may call `reconnect` or `close`. */
    #isWanted(retry: Retry | undefined): boolean {
      return this.#readyState === CONNECTING && retry === this.#lastRetry;
    }

    #limitAttempt(timeoutMs: number): void {
      this.#attemptedMs ||= Date.now();
      this.#setTimer(() => {
        const message = `no answer in handshakeTimeoutMs ${timeoutMs}`;
        this.#failAttempt(new TidewayError("HANDSHAKE_TIMEOUT", message), this.#lastRetry);
      }, timeoutMs);
    }

    #failAttempt(error: unknown, retry: Retry | undefined): void {
      if (!this.#isWanted(retry)) return;
      this.#drop();
      this.#dispatch("error", { error });
      if (this.#isWanted(retry)) this.#lost({ ...NO_CONNECTION, error });
    }

    #open([url, protocols, options]: OpenArguments): void {
      const socket = new (base as unknown as SocketConstructor)(
        url,
        options ? { ...options, protocols } : protocols,
      );
      this.#socket = this.#latest = socket;
      // Before all others, so that it can keep replies to itself.
      try {
        this.#checkHeartbeat = this.#options.heartbeat?.(socket, this.#options.timers);
      } catch (error) {
        this.#drop();
        throw error;
      }
      const listen = (type: string, listener: (event: never) => void): void =>
        socket.addEventListener(type, (event) => {
          if (socket === this.#socket) listener(event as never);
        });
      socket.binaryType = this.#binaryType;
      listen("open", () => this.#opened());
      // An event has the properties that a dictionary for making its like has.
      listen("message", (event: MessageEvent) =>
        this.dispatchEvent(new MessageEvent("message", event as object)),
      );
      listen("error", ({ error }: { error?: unknown }) => this.#dispatch("error", { error }));
      listen("close", (event: CloseInit) => this.#lost(event));
      this.#limitAttempt(options?.handshakeTimeoutMs ?? this.#options.handshakeTimeoutMs);
    }

    /** Hears nothing of the socket any more, and closes it if it is not closed already. */
    #drop(): void {
      this.#socket = undefined;
      this.#latest?.close();
    }

    #opened(): void {
      this.#readyState = OPEN;
      this.#setTimer(() => (this.#attempts = 0), this.#options.stableAfterMs);
      const isAgain = this.#connections++ > 0;
      this.#dispatch("open");
      this.#flush();
      // A listener may have called `reconnect` or `close`.
      if (isAgain && this.#readyState === OPEN) this.#dispatch("reconnected", this.#lastRetry);
    }

    #flush(): void {
      if (this.#socket?.readyState !== OPEN) return;
      for (const message of this.#queue) this.#socket.send(message);
      this.#queue = [];
      this.#queuedBytes = 0;
    }

    #listenToPage(method: "addEventListener" | "removeEventListener"): void {
      for (const type of ["online", "visibilitychange"]) page[method]?.(type, this.#wake);
    }

    /** The network is back, or the page is seen again. */
    readonly #wake = (): void => {
      if (page.document?.hidden) return;
      if (this.#readyState === OPEN) this.#checkHeartbeat?.();
      else if (Date.now() - this.#attemptedMs > STALE_ATTEMPT_MS) this.reconnect();
    };

    /** The connection, or the attempt at one, is over. */
    #lost(close: CloseInit): void {
      this.#socket = undefined;
      let decision: ReconnectDecision = "stop";
      try {
        if (this.#readyState < CLOSING) {
          this.#readyState = CONNECTING;
          decision = checkDecision((this.#options.decide ?? decideByDefault)(close));
        }
      } catch (error) {
        this.#dispatch("error", { error });
      }
      if (decision === "stop") {
        this.#finish(close);
        return;
      }
      // Nobody looks at a hidden page, and its timers are slow anyway.
      const isLater = page.document?.hidden || decision === "retry-later";
      const delayMs =
        page.navigator?.onLine === false
          ? this.#options.maxDelayMs
          : reconnectDelayMs(this.#options, this.#attempts, isLater);
      // A word counts as 0. Beyond a timer's longest delay, the timer would fire at once.
      this.#retry(close, Math.min(2 ** 31 - 1, delayMs + ~~decision));
    }

    #retry({ code, reason }: CloseInit, delayMs: number): void {
      this.#readyState = CONNECTING;
      this.#attemptedMs = 0;
      this.#lastRetry = { attempt: ++this.#attempts, delayMs, code, reason };
      this.#setTimer(() => void this.#connect(), delayMs);
      this.#dispatch("reconnecting", this.#lastRetry);
    }

    #finish(close: CloseInit): void {
      recordEnd(this, close);
      this.#clearTimer();
      this.#listenToPage("removeEventListener");
      this.#readyState = CLOSED;
      this.dispatchEvent(new CloseEventClass("close", close));
    }

    #dispatch(type: string, properties?: object): void {
      this.dispatchEvent(Object.assign(new Event(type), properties));
    }

    #setTimer(callback: () => void, delayMs: number): void {
      this.#clearTimer();
      // Kept, as other options may be set while it runs.
      this.#timers = this.#options.timers;
      this.#timer = this.#timers.setTimeout(callback, delayMs);
    }

    #clearTimer(): void {
      this.#timers?.clearTimeout(this.#timer as never);
    }

    static {
      defineEventHandlers(
        this.prototype,
        ["open", "message", "error", "close", ...MORE_TYPES],
        (socket) => socket.#handlers,
      );
      for (const target of [this, this.prototype])
        Object.assign(target, { CONNECTING, OPEN, CLOSING, CLOSED });
    }
  }
  return withEventStreams(
    ReconnectingWebSocket,
    MORE_TYPES,
  ) as unknown as ReconnectingWebSocketConstructor;
}

/** Fills in what is `undefined`, and checks the limits. */
function withDefaults(options: ReconnectingWebSocketOptions): Settings {
  const settings: Record<string, unknown> = { ...options };
  for (const [name, standard] of Object.entries(DEFAULTS)) {
    const value = (settings[name] ??= standard) as number;
    // A timer's longest delay; beyond it timers fire at once.
    if (typeof standard === "number" && !(value >= 0 && value < 2 ** 31))
      throw new TidewayError("INVALID_OPTION", `${name} ${value}`);
  }
  return settings as unknown as Settings;
}

/** @throws TidewayError INVALID_DECISION; the caller reports it and stops */
function checkDecision(decision: ReconnectDecision): ReconnectDecision {
  // A timer fires at once for a delay that is too long.
  const isKnown =
    typeof decision === "number"
      ? decision >= 0 && decision < 2 ** 31
      : ["stop", "retry", "retry-later"].includes(decision);
  if (!isKnown) throw new TidewayError("INVALID_DECISION", `decide returned ${decision}`);
  return decision;
}
