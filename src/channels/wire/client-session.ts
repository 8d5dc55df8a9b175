import { UsageError } from "../../errors/index.ts";
import { ChannelError } from "./channel-error.ts";
import type { SessionState } from "./client-state.ts";
import {
  byteLength,
  encodeFrame,
  LINE_FEED,
  type ErrorFields,
  type ServerFrame,
} from "./frames.ts";

/** The injected parts of a session: its connection, clocks, timers and limits. */
export interface ClientSessionEnvironment {
  /** The secret of the session: 128 random bits, as 22 to 64 characters of base64url. */
  readonly secret: string;
  /** The credit of each subscription and stream, in bytes. */
  readonly creditBytes: number;
  /** How many bytes the publishes and calls without an answer may take. */
  readonly maxQueuedBytes: number;
  /** Milliseconds by the wall clock, and by a clock that never goes back. */
  now(): readonly [number, number];
  readonly timers: SessionTimers;
  /** Sends a message on the current connection. */
  send(message: Message): void;
  /** The server has accepted the result of `auth`. */
  onWelcome(expiresInMs: number | undefined): void;
  /** Reports an error that no promise and no loop has. */
  onError(error: unknown): void;
}

/** The timers of a session. */
export interface SessionTimers {
  setTimeout(callback: () => void, delayMs: number): unknown;
  clearTimeout(timer: never): void;
}

/** A WebSocket message. */
export type Message = string | Uint8Array<ArrayBuffer>;

/** The last frame of a successful request. */
export type AnswerFrame = Extract<ServerFrame, { type: "result" | "end" | "subscribed" }>;
type ItemFrame = Extract<ServerFrame, { type: "item" }>;
/** The fields of a frame that decide what it is about. */
interface AnyFields {
  readonly type: ServerFrame["type"];
  readonly id: number;
  readonly topic?: string;
  readonly mayBeStored?: boolean;
}
type Welcome = Extract<ServerFrame, { type: "welcome" }>;

/**
 * The type of a request says what happens to it if the connection is lost before its answer:
 *
 * - `publish`: it is sent again, within the time that the server allows. To a volatile topic, it fails.
 * - `call`: the same, if the server says that it is repeatable. Otherwise it fails.
 * - `stream`: it continues, if the server says that it is repeatable. Otherwise it fails.
 * - `history`: it is sent again.
 * - the others: it is dropped. A `SessionState` makes another one for the next connection.
 */
export type RequestType =
  | "publish"
  | "call"
  | "stream"
  | "history"
  | "subscribe"
  | "watch"
  | "enter"
  | "leave";

/** Called once: with an error, with an answer, or for a dropped request with neither. */
export type Settle = (error?: ChannelError, answer?: AnswerFrame) => void;

/** Called for each item of a stream or of a history. */
export type OnItem = (item: ItemFrame, bytes: number) => void;

/** A request that has no answer yet. */
export interface Request {
  readonly type: RequestType;
  readonly id: number;
  /** The name of the call or stream, or the topic. Undefined for a request of a `SessionState`. */
  readonly name: string | undefined;
  /** How much of the queue it takes. */
  bytes: number;
  /** Makes the message for the current connection. */
  encode: () => Message;
  readonly end: Settle;
  readonly onItem: OnItem | undefined;
  /** Whether to send it again after a temporary error, which has `retryAfterMs`. Default: false. */
  readonly retryIf: (() => boolean | undefined) | undefined;
  /** Of a subscription: the number that the server gave the topic on the current connection. */
  number?: number;
  /** When it was sent for the first time. */
  sentAt?: readonly number[];
  /** Whether it was sent on the current connection. */
  isSent?: boolean;
  /** Whether it was sent on an earlier connection too. That server may have carried it out. */
  isRepeated?: boolean | undefined;
}

/** How a request ends without an answer, or continues after an error. */
export interface RequestOptions {
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number | undefined;
  readonly retryIf?: Request["retryIf"];
}

/** Makes the fields of a request besides its type and id. Called each time that it is sent. */
export type Fields = (id: number) => object;

/**
 * The client's end of the protocol `tideway.channels.1`, without I/O. A session outlives its connections: it
 * keeps requests and receivers, and sends them again on the next one.
 */
export interface ClientSession extends Pick<
  ClientSessionEnvironment,
  "creditBytes" | "timers" | "onError"
> {
  /** Subscriptions, watches and presences, by kind and topic. */
  readonly states: Map<string, SessionState>;
  /** Receives publications, by the numbers that the server gave the topics on this connection. */
  readonly receivers: Map<number, (data: unknown, bytes: number) => void>;
  /** Counts the connections of the session. */
  readonly connection: number;
  /** The topics that store nothing, as far as the server's answers have shown. */
  readonly volatile: Set<string>;
  /** Whether the server has answered with the versions that it supports, because it does not support this one. */
  readonly versions?: boolean;
  /** Whether the server has accepted the current connection. */
  readonly isOpen?: boolean;
  /** The error that ended the session, if it has ended. */
  readonly ended?: ChannelError;
  /** Calls back, maybe more than once, when there is no publish and no call without an answer. */
  onIdle(callback: () => void): void;
  /**
   * A connection is open: introduces the client.
   *
   * @param maxMessageBytes the maximum size of a message that the connection accepts. Default: no limit
   */
  hello(auth: unknown, maxMessageBytes?: number): void;
  /** Handles a message of the server. @throws if the server broke the protocol: the connection must end */
  receive(message: string | Uint8Array): void;
  /** The connection has ended, for the reason in `error`. */
  lose(error: ChannelError): void;
  /** No connection follows. Every request fails, and so does each later one. */
  end(error: ChannelError): void;
  /** Sends a frame that has no answer, unless there is no connection. */
  send(frame: object): void;
  /** Makes a request, now or when there is a connection. */
  add(
    type: RequestType,
    name: string | undefined,
    fields: Fields,
    settle: Settle,
    retryIf?: () => boolean | undefined,
    onItem?: OnItem,
  ): Request;
  /** Ends a request, and tells the server if it has an effect there. */
  cancel(request: Request, error?: ChannelError): void;
  /** Makes a request. The promise resolves with the answer. For a dropped request, it rejects with undefined. */
  request(
    type: RequestType,
    name: string,
    fields: Fields,
    options?: RequestOptions,
    onItem?: OnItem,
  ): Promise<AnswerFrame>;
}

/** Encodes a request. Its data or input may be bytes. */
function encodeRequest(frame: { data?: unknown; input?: unknown }): Message {
  const { data, input, ...others } = frame;
  const bytes = data ?? input;
  return bytes instanceof Uint8Array
    ? encodeFrame(others as never, bytes)
    : encodeFrame(frame as never);
}

/** Decodes a frame. The bytes of a binary message become its data field. @throws SyntaxError or TypeError */
function readFrame(message: string | Uint8Array): unknown {
  if (typeof message === "string") return JSON.parse(message);
  // Without a line feed, the header is empty, which is not JSON.
  const end = message.indexOf(LINE_FEED) + 1;
  const frame = JSON.parse(new TextDecoder().decode(message.subarray(0, end))) as AnyFields;
  return Object.assign(frame, {
    [Array.isArray(frame) ? 1 : frame.type === "result" ? "output" : "data"]: message.subarray(end),
  });
}

/** Makes the error of a frame that has the fields of one. */
function errorOf(frame: ErrorFields): ChannelError {
  return new ChannelError(frame.code, frame.message, frame);
}

/** How often the client looks for publishes and calls that it must not send again, in milliseconds. */
const CHECK_EXPIRY_MS = 1000;

/** Creates the session of a client, before its first connection. */
export function createSession(environment: ClientSessionEnvironment): ClientSession {
  const { timers } = environment;
  /** The requests without an answer, sent or not. */
  const requests = new globalThis.Map<number, Request>();
  /** By type: the requests to send on the current connection, in order. */
  let waiting: Record<string, Set<Request>> = {};
  /** By type: how many requests were sent and have no answer. */
  let pending: Record<string, number> = {};
  let queuedBytes = 0;
  let lastId = 0;
  /** Why there is no connection, after the first one. */
  let lost: ChannelError;
  let welcome: Welcome;
  const whenIdle = new globalThis.Set<() => void>();
  let expiry: unknown;

  const settle = (request: Request, error?: ChannelError, answer?: AnswerFrame): void => {
    if (!requests.delete(request.id)) return;
    waiting[request.type]?.delete(request);
    queuedBytes -= request.bytes;
    request.end(error, answer);
    if (request.isSent) {
      pending[request.type]--;
      sendWaiting(request.type);
    }
    if (!queuedBytes) for (const callback of whenIdle) callback();
  };
  const fail = (request: Request, code: string, message: string, cause?: unknown): void =>
    session.cancel(
      request,
      new ChannelError(code, message, { cause, mayBeStored: !!request.sentAt }),
    );

  /** Returns whether `bytes` are within a limit. Otherwise the request fails. */
  const fits = (
    request: Request,
    bytes: number,
    maxBytes: number,
    code: string,
    limit: string,
  ): boolean | void =>
    !(bytes > maxBytes) || fail(request, code, `${bytes} bytes exceed ${limit} ${maxBytes}`);
  /** Fails the request because there is no connection. */
  const drop = (request: Request): void => fail(request, lost.code, lost.message, lost.cause);
  /** Encodes the request, or fails it if JSON cannot express its data. */
  const encode = (request: Request): Message | void => {
    try {
      return request.encode();
    } catch (error) {
      fail(request, "INVALID_DATA", `${error as TypeError}`, error);
    }
  };
  /** Sends the request when the connection, and the number of requests without an answer, allow it. */
  const enqueue = (request: Request): void => {
    request.isSent = false;
    (waiting[request.type] ??= new globalThis.Set()).add(request);
    sendWaiting(request.type);
  };
  const sendWaiting = (type: string): void => {
    for (const request of waiting[type]) {
      if (!session.isOpen || pending[type] >= welcome.maxPending[type as "call"]) return;
      waiting[type].delete(request);
      const message = encode(request);
      if (
        message &&
        fits(
          request,
          byteLength(message),
          welcome.maxMessageBytes!,
          "TOO_BIG",
          "the server's maxMessageBytes",
        )
      ) {
        pending[type] = (pending[type] || 0) + 1;
        request.isSent = true;
        request.sentAt ??= environment.now();
        environment.send(message);
      }
    }
  };

  /** Fails the publishes and calls that were sent too long ago to be sent again. */
  const expire = (): void => {
    const now = environment.now();
    for (const request of requests.values()) {
      if (
        request.bytes &&
        !request.isSent &&
        request.sentAt?.some((ms, clock) => now[clock] - ms >= welcome.idWindowMs)
      )
        fail(request, "UNCONFIRMED", `no answer within ${welcome.idWindowMs} ms`);
    }
    timers.clearTimeout(expiry as never);
    if (queuedBytes) expiry = timers.setTimeout(expire, CHECK_EXPIRY_MS);
  };

  const open = (frame: Welcome): void => {
    welcome = frame;
    session.isOpen = true;
    expire();
    for (const state of session.states.values()) state.open();
    for (const type in waiting) sendWaiting(type);
    environment.onWelcome(frame.expiresInMs);
  };

  const handle = (frame: ServerFrame, message: string | Uint8Array): void => {
    const { type, topic, id, mayBeStored } = frame as AnyFields;
    const request = requests.get(id);
    // The error of a publish. The server holds back later publishes until the client has seen it.
    if (mayBeStored !== undefined) session.send({ type: "seen", id });
    if (type === "welcome") open(frame as Welcome);
    else if (type === "versions") session.versions = true;
    else if (request) {
      if (type === "item") request.onItem?.(frame as ItemFrame, byteLength(message));
      else if (type === "error") {
        const error = errorOf({
          ...frame,
          mayBeStored: (request.bytes && request.isRepeated) || mayBeStored,
        } as never);
        if (error.retryAfterMs! >= 0 && request.retryIf?.()) {
          request.isSent = false;
          session.onError(error);
          timers.setTimeout(() => {
            if (requests.has(id) && !request.isSent)
              (request.retryIf!() ? enqueue : settle)(request);
          }, error.retryAfterMs!);
        } else settle(request, error);
      } else if (/^(result|end|subscribed|members)$/.test(type))
        settle(request, undefined, frame as AnswerFrame);
    } else if (topic) {
      const kind = /^(lo|unsub)/.test(type) ? "subscribe" : "watch";
      const state = session.states.get(`${kind} ${topic}`);
      // Before the answer, notices are about an earlier state of the same kind.
      if (state?.request && !requests.has(state.request.id)) {
        // As a regular expression, like the others, because it compresses better.
        // oxlint-disable-next-line unicorn/prefer-string-starts-ends-with
        if (/^un/.test(type)) state.end(errorOf(frame as never));
        else state.receive(frame);
      }
    }
  };

  const session: Mutable<ClientSession> = {
    ...environment,
    states: new globalThis.Map(),
    receivers: new globalThis.Map(),
    connection: 0,
    volatile: new globalThis.Set(),
    onIdle(callback) {
      whenIdle.add(callback);
      if (!queuedBytes) callback();
    },
    hello(auth, maxMessageBytes) {
      environment.send(
        encodeFrame({
          type: "hello",
          auth,
          session: environment.secret,
          connection: ++session.connection,
          maxMessageBytes,
        }),
      );
    },
    receive(message) {
      const frame = readFrame(message);
      if (Array.isArray(frame)) session.receivers.get(frame[0])?.(frame[1], byteLength(message));
      else handle(frame as ServerFrame, message);
    },
    lose(error) {
      session.isOpen = false;
      waiting = {};
      pending = {};
      session.receivers.clear();
      lost = error;
      for (const state of session.states.values()) state.request = undefined;
      for (const request of requests.values()) {
        const { name, isSent } = request;
        const isKept = /^(pub|his)/.test(request.type)
          ? !session.volatile.has(name!)
          : name && (!isSent || welcome.repeatable.includes(name));
        request.isRepeated ||= isSent;
        request.isSent = false;
        if (session.ended || (!isKept && name)) drop(request);
        else if (isKept) enqueue(request);
        else settle(request);
      }
      expire();
    },
    end(error) {
      session.lose((session.ended ??= error));
      for (const state of session.states.values()) state.open();
    },
    send(frame) {
      if (session.isOpen) environment.send(encodeFrame(frame as never));
    },
    add(type, name, fields, end, retryIf, onItem) {
      const id = ++lastId;
      const request: Request = {
        type,
        id,
        name,
        bytes: 0,
        encode: () => encodeRequest({ type, id, ...fields(id) } as object),
        end,
        onItem,
        retryIf,
      };
      requests.set(id, request);
      if (session.ended || (!session.isOpen && type === "publish" && session.volatile.has(name!)))
        drop(request);
      else if (/^(pub|call)/.test(type)) {
        // The caller may change the data later, so it is encoded now.
        const message = encode(request);
        if (message) {
          request.encode = () => message;
          queuedBytes += request.bytes = byteLength(message);
          if (
            fits(request, queuedBytes, environment.maxQueuedBytes, "QUEUE_FULL", "maxQueuedBytes")
          )
            enqueue(request);
        }
      } else enqueue(request);
      return request;
    },
    cancel(request, error) {
      if (request.isSent && requests.has(request.id) && /^(call|str|his)/.test(request.type))
        session.send({ type: "cancel", id: request.id });
      settle(request, error);
    },
    request(type, name, fields, { timeoutMs = Infinity, signal, retryIf } = {}, onItem) {
      return new Promise((resolve, reject) => {
        const abort = (): void => session.cancel(request, signal!.reason as ChannelError);
        // An error makes the promise reject.
        if (!(timeoutMs > 0)) throw new UsageError("INVALID_OPTION", `timeoutMs is ${timeoutMs}`);
        signal?.throwIfAborted();
        signal?.addEventListener("abort", abort);
        const timer =
          timeoutMs < 2 ** 31 &&
          timers.setTimeout(
            () => fail(request, "TIMEOUT", `no answer within ${timeoutMs} ms`),
            timeoutMs,
          );
        const request = session.add(
          type,
          name,
          fields,
          (error, answer) => {
            timers.clearTimeout(timer as never);
            signal?.removeEventListener("abort", abort);
            if (answer) resolve(answer);
            // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- a signal's reason may be null
            else reject(error);
          },
          retryIf,
          onItem,
        );
      });
    },
  };
  return session;
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };
