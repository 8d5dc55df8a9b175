import type {
  DecideReconnect,
  HeartbeatSocket,
  ReconnectingWebSocketOptions,
  Timers,
  ValueOrProvider,
} from "../../client/reconnecting-interface.ts";
import type { WebSocketCloseEvent } from "../../client/close-event.ts";
import type { StandardSchema } from "../../schema/standard-schema.ts";
import { EventStream } from "../../streams/event-stream.ts";
import { formatTopicName } from "../../topic-names/topic-pattern.ts";
import type { Contract } from "../contract/contract.ts";
import { ChannelError } from "../wire/channel-error.ts";
import { ClientSession } from "../wire/client-session.ts";
import { SUBPROTOCOL } from "../wire/frames.ts";
import type { CallOptions, ChannelCall, StreamOptions } from "./call-interface.ts";
import { ChannelTopic, type Convert } from "./channel-topic.ts";
import type { ChannelState, CloseChannelOptions } from "./client-interface.ts";
import type { AuthRequest, ConnectOptions } from "./connect-interface.ts";
import { FlowIterator } from "./flow-iterator.ts";

/** The methods of a `ReconnectingWebSocket` that a client uses. */
export interface ReconnectingConnection {
  binaryType: string;
  addEventListener(type: string, listener: (event: Event) => void): void;
  reconnect(): void;
  close(code: number): void;
}

/** The parts of the runtime that a client uses. */
export interface ChannelClientEnvironment {
  /** The class of reconnecting WebSockets. It has the defaults of its options. */
  readonly ReconnectingWebSocket: new (
    url: () => Promise<string | URL>,
    options: ReconnectingWebSocketOptions,
  ) => ReconnectingConnection;
  /** The default of the option `decide`. */
  readonly decideReconnect: DecideReconnect;
}

/** The listeners of an event stream. */
class Events<T> {
  readonly #listeners = new Set<[(event: T) => unknown, () => void]>();
  readonly stream: EventStream<T> = new EventStream((...listener) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  });

  emit(event: T): void {
    for (const [onEvent] of this.#listeners) onEvent(event);
  }

  end(): void {
    for (const [, onDone] of this.#listeners) onDone();
  }
}

/** Milliseconds without a message after which the client sends a ping. */
const PING_AFTER_MS = 30_000;
/** Milliseconds after a ping without a message after which the connection is lost. */
const PONG_WITHIN_MS = 20_000;
/** The client asks for a fresh token this long before it expires, or at half of its time. */
const REFRESH_BEFORE_MS = 30_000;
const MAX_DELAY_MS = 2 ** 31 - 1;

type AnyOptions = ConnectOptions<Contract>;

/** A client of channels over the reconnecting WebSocket of a runtime. */
export class ChannelClient {
  readonly #options: AnyOptions;
  readonly #timers: Timers;
  readonly #session: ClientSession;
  readonly #socket: ReconnectingConnection;
  readonly #states = new Events<ChannelState>();
  readonly #errors = new Events<Error>();
  #state: ChannelState = "connecting";
  /** Counts the attempts, so that a slow `auth` does not affect a later one. */
  #attempts = 0;
  #auth: unknown;
  #reason: AuthRequest["reason"] = "connect";
  /** The current WebSocket, from its `open` event on. */
  #connection: HeartbeatSocket | undefined;
  #refresh: unknown;
  #closed: Promise<void>;
  #resolveClosed!: () => void;

  constructor(
    environment: ChannelClientEnvironment,
    url: ValueOrProvider<string | URL>,
    options: AnyOptions = {},
  ) {
    const {
      contract: _contract,
      auth: _auth,
      validate: _validate,
      maxQueuedBytes = 1_048_576,
      creditBytes = 262_144,
      timers = globalThis,
      decide = environment.decideReconnect,
      ...others
    } = options;
    this.#options = options;
    this.#timers = timers;
    this.#closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    this.#session = new ClientSession({
      secret: randomSecret(),
      creditBytes,
      maxQueuedBytes,
      now: () => [Date.now(), performance.now()],
      setTimeout: (callback, delayMs) => timers.setTimeout(callback, delayMs),
      clearTimeout: (timer) => timers.clearTimeout(timer as never),
      send: (message) => this.#connection?.send(message),
      fail: (error) => this.#fail(this.#connection, error),
      onWelcome: (expiresInMs) => this.#welcome(expiresInMs),
      onError: (error) => this.#errors.emit(error as Error),
    });
    // The mistake of a caller throws at once.
    if (typeof url !== "function") void new URL(url, globalThis.location?.href);
    this.#socket = new environment.ReconnectingWebSocket(() => this.#prepare(url), {
      ...others,
      timers,
      protocols: SUBPROTOCOL,
      heartbeat: (socket) => this.#attach(socket),
      decide: (close) => this.#decide(close, decide),
    });
    this.#socket.binaryType = "arraybuffer";
    this.#listen();
  }

  get state(): ChannelState {
    return this.#state;
  }

  get onStateChange(): EventStream<ChannelState> {
    return this.#states.stream;
  }

  get onError(): EventStream<Error> {
    return this.#errors.stream;
  }

  topic(pattern: string, params?: Record<string, string>): ChannelTopic {
    const schema = this.#options.contract?.topics?.[pattern]?.message;
    return new ChannelTopic(this.#session, formatTopicName(pattern, params), this.#convert(schema));
  }

  call(name: string, input?: unknown, options: CallOptions = {}): ChannelCall<unknown> {
    const call = this.#call(name, input, options);
    const result = (): Promise<never> =>
      call.then(
        (output) => ({ output }),
        (error) => {
          if (error instanceof ChannelError) return { error };
          throw error;
        },
      ) as never;
    return Object.assign(call, { result });
  }

  stream(name: string, input?: unknown, { signal, lastId }: StreamOptions = {}): FlowIterator {
    const convert = this.#convert(this.#options.contract?.calls?.[name]?.item);
    return new FlowIterator(() => this.#session.stream(name, input, lastId), { signal, convert });
  }

  reconnect(): void {
    this.#socket.reconnect();
  }

  async close({ flushMs = 0 }: CloseChannelOptions = {}): Promise<void> {
    await this.#flush(flushMs);
    this.#session.end("CLIENT_CLOSED");
    this.#socket.close(1000);
    await this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #call(name: string, input: unknown, options: CallOptions): Promise<unknown> {
    const { data } = await this.#session.call(name, input, options);
    const convert = this.#convert(this.#options.contract?.calls?.[name]?.output);
    return convert ? convert(data) : data;
  }

  #convert(schema: StandardSchema | undefined): Convert {
    if (!this.#options.validate || !schema) return undefined;
    return async (data) => {
      const result = await schema["~standard"].validate(data);
      if (result.issues) throw new ChannelError("INVALID_DATA", { issues: result.issues });
      return result.value;
    };
  }

  /** Gets the credentials for an attempt to connect, and returns its URL. */
  async #prepare(url: ValueOrProvider<string | URL>): Promise<string | URL> {
    const attempt = ++this.#attempts;
    this.#setState("connecting");
    const auth = await this.#authFor(this.#reason);
    if (attempt === this.#attempts) this.#auth = auth;
    return typeof url === "function" ? url() : url;
  }

  async #authFor(reason: AuthRequest["reason"]): Promise<unknown> {
    const { auth } = this.#options;
    return typeof auth === "function" ? auth({ reason }) : auth;
  }

  /** Follows one WebSocket. Returns a function that checks whether its connection is alive. */
  #attach(socket: HeartbeatSocket): () => void {
    const timers = this.#timers;
    let timer: unknown;
    const wait = (callback: () => void, delayMs: number): void => {
      timers.clearTimeout(timer as never);
      timer = timers.setTimeout(callback, delayMs);
    };
    const fail = (): void => this.#fail(socket, new ChannelError("TIMEOUT"));
    const check = (): void => {
      if (this.#session.isOpen) this.#session.send({ type: "ping" });
      wait(fail, PONG_WITHIN_MS);
    };
    socket.addEventListener("open", () => {
      this.#connection = socket;
      wait(fail, this.#options.handshakeTimeoutMs ?? 10_000);
      this.#session.hello(this.#auth);
    });
    socket.addEventListener("message", (event) => {
      event.stopImmediatePropagation();
      if (socket !== this.#connection) return;
      wait(check, PING_AFTER_MS);
      const { data } = event as MessageEvent<string | ArrayBuffer>;
      this.#session.receive(typeof data === "string" ? data : new Uint8Array(data));
    });
    socket.addEventListener("close", () => timers.clearTimeout(timer as never));
    return check;
  }

  /** Ends a connection without waiting for the closing handshake. */
  #fail(socket: HeartbeatSocket | undefined, error: unknown): void {
    if (!socket || socket !== this.#connection) return;
    const close = { code: 1006, reason: "", wasClean: false, error };
    socket.dispatchEvent(Object.assign(new Event("error"), { error }));
    socket.dispatchEvent(Object.assign(new Event("close"), close));
    socket.close();
  }

  #decide(
    close: Parameters<DecideReconnect>[0],
    decide: DecideReconnect,
  ): ReturnType<DecideReconnect> {
    const { code } = close;
    if (code === 3000 && this.#reason !== "unauthorized") {
      this.#reason = "unauthorized";
      return "retry";
    }
    // A page that was frozen before it sent its first frame.
    if (code === 1008 && !this.#session.isOpen) return "retry";
    return decide(close);
  }

  #listen(): void {
    const socket = this.#socket;
    socket.addEventListener("error", (event) => {
      const { error } = event as { error?: unknown };
      this.#errors.emit(new ChannelError("CONNECTION_LOST", { cause: error }));
    });
    socket.addEventListener("reconnecting", () => {
      this.#lose();
      this.#setState("waiting");
    });
    socket.addEventListener("close", (close) => this.#end(close as WebSocketCloseEvent));
  }

  #lose(): void {
    this.#connection = undefined;
    this.#timers.clearTimeout(this.#refresh as never);
    this.#session.lose();
  }

  #end({ code, reason, error }: WebSocketCloseEvent): void {
    this.#lose();
    const { ended, isUnsupported } = this.#session;
    if (!ended) {
      const closeCodes: Record<number, string> = { 3000: "UNAUTHORIZED", 3003: "FORBIDDEN" };
      const name = isUnsupported ? "UNSUPPORTED_VERSION" : (closeCodes[code] ?? "CONNECTION_LOST");
      const details = { message: `the connection closed with ${code} ${reason}`, cause: error };
      this.#errors.emit(new ChannelError(name, details));
      this.#session.end(name, details);
    }
    this.#setState("closed");
    this.#states.end();
    this.#errors.end();
    this.#resolveClosed();
  }

  #welcome(expiresInMs: number | undefined): void {
    this.#reason = "connect";
    this.#setState("open");
    this.#timers.clearTimeout(this.#refresh as never);
    if (expiresInMs === undefined) return;
    const delayMs = expiresInMs - Math.min(REFRESH_BEFORE_MS, expiresInMs / 2);
    this.#refresh = this.#timers.setTimeout(
      () => void this.#reauthorize(),
      Math.min(delayMs, MAX_DELAY_MS),
    );
  }

  async #reauthorize(): Promise<void> {
    const connection = this.#connection;
    try {
      const auth = await this.#authFor("expires");
      if (connection === this.#connection) this.#session.send({ type: "auth", auth });
    } catch (error) {
      this.#errors.emit(error as Error);
    }
  }

  /** Waits for the answers to publishes and calls. */
  async #flush(flushMs: number): Promise<void> {
    const session = this.#session;
    if (flushMs <= 0 || session.isIdle || session.ended) return;
    await new Promise<void>((resolve) => {
      const timer = this.#timers.setTimeout(resolve, flushMs);
      session.onIdle = () => {
        this.#timers.clearTimeout(timer as never);
        resolve();
      };
    });
  }

  #setState(state: ChannelState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#states.emit(state);
  }
}

/** 128 random bits as base64url. */
function randomSecret(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .slice(0, 22);
}
