import { ChannelError, type ChannelErrorDetails } from "./channel-error.ts";
import { CreditFlow, type FlowReader } from "./credit-flow.ts";
import { decodeFrame, encodeFrame, type ErrorFields, type ServerFrame } from "./frames.ts";
import type { SessionState } from "./session-state.ts";

/** The injected parts of a session: its connection, clocks, timers and limits. */
export interface ClientSessionEnvironment {
  /** The secret of the session: 128 random bits as base64url. */
  readonly secret: string;
  /** The credit of each subscription and stream, in bytes. */
  readonly creditBytes: number;
  /** How many bytes the publishes and calls without an answer may take. */
  readonly maxQueuedBytes: number;
  /** Milliseconds by the wall clock, and by a clock that never goes back. */
  now(): readonly [number, number];
  setTimeout(callback: () => void, delayMs: number): unknown;
  clearTimeout(timer: unknown): void;
  /** Sends a message on the current connection. */
  send(message: Message): void;
  /** Ends the current connection, because the server broke the protocol. */
  fail(error: unknown): void;
  /** The server has accepted the result of `auth`. */
  onWelcome(expiresInMs: number | undefined): void;
  /** Reports an error that no promise and no loop has. */
  onError(error: unknown): void;
}

/** A WebSocket message. */
export type Message = string | Uint8Array<ArrayBuffer>;

/** The last frame of a successful request. */
export type AnswerFrame = Extract<ServerFrame, { type: "result" | "end" | "subscribed" }>;
type ItemFrame = Extract<ServerFrame, { type: "item" }>;
type Welcome = Extract<ServerFrame, { type: "welcome" }>;

/** The answer to a request. */
export interface Answer {
  readonly frame: AnswerFrame;
  /** The output: a JSON value, or the bytes of a binary frame. */
  readonly data: unknown;
}

/**
 * What happens to a request without an answer when the connection is lost:
 *
 * - `publish`: sent again, within the time that the server allows.
 * - `call`: the same, if the server says that it is repeatable. Otherwise it fails.
 * - `stream`: continued, if the server says that it is repeatable. Otherwise it fails.
 * - `history`: sent again.
 * - `state`: dropped. A `SessionState` makes another request on the next connection.
 */
export type RequestKind = "publish" | "call" | "stream" | "history" | "state";

/** A request that has no answer yet. */
export interface Request {
  readonly kind: RequestKind;
  readonly id: number;
  /** Of a call or stream. */
  readonly name?: string;
  /** How much of the queue it takes. Default: nothing. */
  readonly queuedBytes?: number;
  /** Makes the message. Called for each connection. */
  readonly encode: () => Message;
  readonly onItem?: (frame: ItemFrame, data: unknown, bytes: number) => void;
  /** Called once: with an error, with an answer, or for a dropped request with neither. */
  readonly settle: (error?: Error, answer?: Answer) => void;
  /** When it was sent for the first time. */
  firstSent?: readonly [number, number];
  /** Whether it was sent on the current connection. */
  isSent?: boolean;
  /** Whether it was sent on an earlier connection too. Then that server may have carried it out. */
  isRepeated?: boolean;
}

/** How a caller can end its request. */
export interface RequestOptions {
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number | undefined;
}

/** The items of a topic's history, as `history` of a session returns them. */
export interface SessionPage {
  readonly items: readonly TopicItem[];
  /** The last position of the topic at the time of the read. */
  readonly position: string;
  /** Why the items do not follow `after`, if they do not. */
  readonly reason?: string;
}

/** A publication as its subscribers get it. */
export interface TopicItem {
  readonly data: unknown;
  /** Absent for volatile topics. */
  readonly position?: string;
}

/** Requests of one kind: those that wait, and the number of those that were sent and have no answer. */
interface Lane {
  readonly waiting: Request[];
  pending: number;
}

const encoder = new TextEncoder();

/** The length as the payload of a WebSocket message. */
function byteLength(message: string | Uint8Array): number {
  return (typeof message === "string" ? encoder.encode(message) : message).length;
}

/** Encodes a request with a value that is JSON or bytes. */
function encodeWith(frame: object, field: string, value: unknown): Message {
  return value instanceof Uint8Array
    ? encodeFrame(frame as never, value)
    : encodeFrame({ ...frame, [field]: value } as never);
}

/** Makes the error of a frame that has the fields of one. */
export function errorOf(frame: ErrorFields): ChannelError {
  const { code, message, data, issues, retryAfterMs, mayBeStored } = frame;
  return new ChannelError(
    code,
    JSON.parse(JSON.stringify({ message, data, issues, retryAfterMs, mayBeStored })),
  );
}

/**
 * The client's end of the protocol `tideway.channels.1`, without I/O. A session outlives its connections: it
 * keeps requests and subscriptions, and sends them again on the next one.
 */
export class ClientSession {
  readonly environment: ClientSessionEnvironment;
  /** Subscriptions, watches and presences, by kind and topic. */
  readonly states: Map<string, SessionState> = new Map();
  /** Receives publications, by the numbers that the server gave the topics on this connection. */
  readonly subscriptions: Map<number, (data: unknown, bytes: number) => void> = new Map();
  /** Counts the connections of the session. */
  connection = 0;
  /** Whether the server has accepted the current connection. */
  isOpen = false;
  /** Whether the server does not support this version of the protocol. */
  isUnsupported = false;
  /** Called when there is no publish or call without an answer. */
  onIdle?: (() => void) | undefined;
  readonly #requests = new Map<number, Request>();
  #lanes: { [Kind in RequestKind]?: Lane } = {};
  #queuedBytes = 0;
  #lastId = 0;
  #welcome: Welcome | undefined;
  #expiry: unknown;
  /** Why it has ended, if it has. */
  #end: [code: string, details: ChannelErrorDetails] | undefined;

  constructor(environment: ClientSessionEnvironment) {
    this.environment = environment;
  }

  /** Why the session has ended, if it has. */
  get ended(): ChannelError | undefined {
    return this.#end && new ChannelError(...this.#end);
  }

  /** Whether each publish and call has its answer. */
  get isIdle(): boolean {
    return this.#queuedBytes === 0;
  }

  /** A connection is open: introduces the client. */
  hello(auth: unknown): void {
    const { environment } = this;
    const connection = ++this.connection;
    environment.send(encodeFrame({ type: "hello", auth, session: environment.secret, connection }));
  }

  /** Handles a message of the server. Never throws. */
  receive(message: string | Uint8Array): void {
    try {
      const { frame, bytes } = decodeFrame(message);
      if (Array.isArray(frame))
        this.subscriptions.get(frame[0])?.(bytes ?? frame[1], byteLength(message));
      else this.#receive(frame as ServerFrame, bytes, message);
    } catch (error) {
      this.environment.fail(error);
    }
  }

  /** The connection has ended. */
  lose(): void {
    this.isOpen = false;
    this.subscriptions.clear();
    this.#lanes = {};
    for (const state of this.states.values()) state.status = "idle";
    for (const request of this.#requests.values()) {
      const { kind, name, isSent } = request;
      request.isSent = false;
      if (isSent && kind === "state") this.settle(request);
      else if (isSent && name && !this.#welcome!.repeatable.includes(name))
        this.#fail(request, this.#end?.[0] ?? "CONNECTION_LOST", this.#end?.[1]);
      else this.#lane(kind).waiting.push(request);
    }
    this.#expire();
  }

  /** No connection follows. Every request fails, and so does each later one. */
  end(code: string, details: ChannelErrorDetails = {}): void {
    this.#end ??= [code, details];
    this.lose();
    for (const request of this.#requests.values()) this.#fail(request, code, details);
    for (const state of this.states.values()) state.end(new ChannelError(code, details));
    this.states.clear();
  }

  /** Sends a frame that has no answer, unless there is no connection. */
  send(frame: object): void {
    if (this.isOpen) this.environment.send(encodeFrame(frame as never));
  }

  nextId(): number {
    return ++this.#lastId;
  }

  /** Publishes a message. The caller's own id, `key`, replaces the number of the session. */
  publish(
    topic: string,
    data: unknown,
    key: string | undefined,
    options: RequestOptions,
  ): Promise<Answer> {
    const id = this.nextId();
    const frame = { type: "publish", id, topic, key, number: key === undefined ? id : undefined };
    return this.#requestQueued({ kind: "publish", id }, encodeWith(frame, "data", data), options);
  }

  call(name: string, input: unknown, options: RequestOptions): Promise<Answer> {
    const id = this.nextId();
    const number = this.#welcome?.repeatable.includes(name) === false ? undefined : id;
    const message = encodeWith({ type: "call", id, name, number }, "input", input);
    return this.#requestQueued({ kind: "call", id, name }, message, options);
  }

  /** Starts a stream after the item `lastId`. Closing the reader cancels it. */
  stream(name: string, input: unknown, lastId?: string): FlowReader<unknown> {
    const id = this.nextId();
    const flow = new CreditFlow<unknown>(
      this.environment.creditBytes,
      (bytes) => this.send({ type: "credit", stream: id, bytes }),
      () => this.#cancel(request),
    );
    const request: Request = {
      kind: "stream",
      id,
      name,
      encode: () =>
        encodeWith({ type: "stream", id, name, credit: flow.open(), lastId }, "input", input),
      onItem: ({ itemId }, data, bytes) => {
        lastId = itemId ?? lastId;
        flow.push(data, bytes);
      },
      settle: (error) => flow.end(error),
    };
    const reader = flow.read();
    this.add(request);
    return reader;
  }

  /** Reads publications from the history of a topic. */
  async history(topic: string, query: object, options: RequestOptions = {}): Promise<SessionPage> {
    const id = this.nextId();
    let items: TopicItem[];
    const { frame } = await this.request(
      {
        kind: "history",
        id,
        encode: () => {
          items = [];
          return encodeFrame({ type: "history", id, topic, ...query } as never);
        },
        onItem: ({ position }, data) => items.push({ data, position: position! }),
      },
      options,
    );
    return { ...(frame as unknown as SessionPage), items: items! };
  }

  /** Makes a request whose answer is a promise. */
  request(request: Omit<Request, "settle">, options: RequestOptions = {}): Promise<Answer> {
    const { signal, timeoutMs } = options;
    const { environment } = this;
    return new Promise((resolve, reject) => {
      const abort = (): void => this.#cancel(added, signal!.reason as Error);
      const expire = (): void => this.#cancel(added, this.#errorOf(added, "TIMEOUT"));
      const timer = timeoutMs !== undefined && environment.setTimeout(expire, timeoutMs);
      const added: Request = {
        ...request,
        settle: (error, answer) => {
          signal?.removeEventListener("abort", abort);
          environment.clearTimeout(timer);
          if (answer) resolve(answer);
          else reject(error!);
        },
      };
      signal?.addEventListener("abort", abort);
      this.add(added);
      if (signal?.aborted) abort();
    });
  }

  /** Makes a request, now or when there is a connection. */
  add(request: Request): void {
    const { queuedBytes = 0 } = request;
    this.#requests.set(request.id, request);
    this.#queuedBytes += queuedBytes;
    if (this.#end) this.#fail(request, ...this.#end);
    else if (queuedBytes > 0 && this.#queuedBytes > this.environment.maxQueuedBytes)
      this.#fail(request, "QUEUE_FULL");
    else {
      this.#lane(request.kind).waiting.push(request);
      this.#pump(request.kind);
    }
  }

  /** Ends a request. Without an error and an answer, it is dropped. */
  settle(request: Request, error?: Error, answer?: Answer): void {
    if (!this.#requests.delete(request.id)) return;
    this.#queuedBytes -= request.queuedBytes ?? 0;
    if (request.isSent) this.#lane(request.kind).pending--;
    request.settle(error, answer);
    this.#pump(request.kind);
    if (this.isIdle) this.onIdle?.();
  }

  #receive(frame: ServerFrame, bytes: Uint8Array | undefined, message: string | Uint8Array): void {
    const request = this.#requests.get((frame as AnswerFrame).id);
    switch (frame.type) {
      case "welcome":
        this.#open(frame);
        break;
      case "versions":
        this.isUnsupported = true;
        break;
      case "subscribed":
      case "result":
      case "end":
        if (request)
          this.settle(request, undefined, {
            frame,
            data: bytes ?? (frame as { output?: unknown }).output,
          });
        break;
      case "item":
        request?.onItem?.(frame, bytes ?? frame.data, byteLength(message));
        break;
      case "error":
        if (request)
          this.settle(
            request,
            errorOf(request.isRepeated ? { ...frame, mayBeStored: true } : frame),
          );
        break;
      case "pong":
        break;
      default: {
        const owner = /^(lost|unsub)/.test(frame.type) ? "subscribe" : "watch";
        this.states.get(`${owner} ${frame.topic}`)?.notice(frame);
      }
    }
  }

  #open(welcome: Welcome): void {
    this.#welcome = welcome;
    if (!this.isOpen) {
      this.isOpen = true;
      this.#expire();
      for (const state of this.states.values()) state.open();
      for (const kind of Object.keys(this.#lanes)) this.#pump(kind as RequestKind);
    }
    this.environment.onWelcome(welcome.expiresInMs);
  }

  #requestQueued(
    request: Pick<Request, "kind" | "id" | "name">,
    message: Message,
    options: RequestOptions,
  ): Promise<Answer> {
    return this.request(
      { ...request, queuedBytes: byteLength(message), encode: () => message },
      options,
    );
  }

  #cancel(request: Request, reason?: Error): void {
    const { kind, id, isSent } = request;
    if (isSent && kind !== "publish" && this.#requests.has(id)) this.send({ type: "cancel", id });
    this.settle(request, reason);
  }

  #fail(request: Request, code: string, details?: ChannelErrorDetails): void {
    this.settle(request, this.#errorOf(request, code, details));
  }

  #errorOf(request: Request, code: string, details?: ChannelErrorDetails): ChannelError {
    return new ChannelError(code, { ...details, mayBeStored: !!request.firstSent });
  }

  #lane(kind: RequestKind): Lane {
    return (this.#lanes[kind] ??= { waiting: [], pending: 0 });
  }

  /** Sends waiting requests, as many as the server allows. */
  #pump(kind: RequestKind): void {
    const lane = this.#lane(kind);
    const { maxPendingPublishes, maxPendingCalls } = this.#welcome ?? {};
    const max = { publish: maxPendingPublishes, call: maxPendingCalls }[kind as "call"] ?? Infinity;
    while (this.isOpen && lane.waiting.length > 0 && lane.pending < max) {
      const request = lane.waiting.shift()!;
      if (!this.#requests.has(request.id)) continue;
      lane.pending++;
      request.isSent = true;
      request.isRepeated = !!request.queuedBytes && !!request.firstSent;
      request.firstSent ??= this.environment.now();
      this.environment.send(request.encode());
    }
  }

  /** Fails the publishes and calls that were sent too long ago to be sent again. */
  #expire(): void {
    const { environment } = this;
    const now = environment.now();
    let nextMs = Infinity;
    for (const request of this.#requests.values()) {
      const { queuedBytes, firstSent, isSent } = request;
      if (!queuedBytes || !firstSent || isSent) continue;
      const ageMs = Math.max(...now.map((ms, clock) => ms - firstSent[clock]));
      const leftMs = this.#welcome!.idWindowMs - ageMs;
      if (leftMs > 0) nextMs = Math.min(nextMs, leftMs);
      else this.#fail(request, "UNCONFIRMED");
    }
    environment.clearTimeout(this.#expiry);
    if (nextMs < 2 ** 31) this.#expiry = environment.setTimeout(() => this.#expire(), nextMs);
  }
}
