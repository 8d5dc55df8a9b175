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
  /** Ends the current connection, because the server broke the protocol. */
  fail(error: unknown): void;
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
 * - `publish`: it is sent again, within the time that the server allows.
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
export type OnItem = (data: unknown, frame: ItemFrame, bytes: number) => void;

/** A request that has no answer yet. */
export interface Request {
  readonly type: RequestType;
  readonly id: number;
  /** The name of a call or stream. */
  readonly name: string | undefined;
  /** How much of the queue it takes. */
  readonly bytes: number;
  /** Makes the message for the current connection. */
  readonly encode: () => Message;
  readonly settle: Settle;
  readonly onItem: OnItem | undefined;
  /** When it was sent for the first time. */
  sentAt?: readonly number[];
  /** Whether it was sent on the current connection. */
  isSent?: boolean;
  /** Whether a publish or call was sent on an earlier connection. That server may have carried it out. */
  isRepeated?: boolean;
}

/** How a caller can end its request. */
export interface RequestOptions {
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number | undefined;
}

/** Makes the fields of a request besides its type, id and name. Called for each connection. */
export type Fields = (id: number) => object;

/**
 * The client's end of the protocol `tideway.channels.1`, without I/O. A session outlives its connections: it
 * keeps requests and subscriptions, and sends them again on the next one.
 */
export interface ClientSession extends Pick<
  ClientSessionEnvironment,
  "creditBytes" | "timers" | "onError"
> {
  /** Subscriptions, watches and presences, by kind and topic. */
  readonly states: Map<string, SessionState>;
  /** Receives publications, by the numbers that the server gave the topics on this connection. */
  readonly subscriptions: Map<number, (data: unknown, bytes: number) => void>;
  /** Counts the connections of the session. */
  readonly connection: number;
  /** Whether the server has accepted the current connection. */
  readonly isOpen?: boolean;
  /** The error that ended the session, if it has ended. */
  readonly ended?: ChannelError;
  /** Calls back, maybe more than once, when there is no publish and no call without an answer. */
  whenIdle(callback: () => void): void;
  /**
   * A connection is open: introduces the client.
   *
   * @param maxMessageBytes the maximum size of a message that the connection accepts. Default: no limit
   */
  hello(auth: unknown, maxMessageBytes?: number): void;
  /** Handles a message of the server. Never throws. */
  receive(message: string | Uint8Array): void;
  /** The connection has ended, for the reason in `error`. */
  lose(error: ChannelError): void;
  /** No connection follows. Every request fails, and so does each later one. */
  end(error: ChannelError): void;
  /** Sends a frame that has no answer, unless there is no connection. */
  send(frame: object): void;
  /** Makes a request, now or when there is a connection. */
  add(type: RequestType, fields: Fields, settle: Settle, onItem?: OnItem, name?: string): Request;
  /** Ends a request, and tells the server if it has an effect there. */
  cancel(request: Request, error?: ChannelError): void;
  /** Makes a request. The promise resolves with the answer, or with undefined for a dropped request. */
  request(
    type: RequestType,
    fields: Fields,
    options?: RequestOptions,
    onItem?: OnItem,
    name?: string,
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
  const field = Array.isArray(frame) ? 1 : frame.type === "result" ? "output" : "data";
  return Object.assign(frame, { [field]: message.subarray(end) });
}

/** Makes the error of a frame that has the fields of one. */
function errorOf(frame: ErrorFields): ChannelError {
  // `name` is a getter of errors.
  const {
    type: _type,
    id: _id,
    topic: _topic,
    name: _name,
    code,
    message,
    ...details
  } = frame as never as Record<string, never>;
  return new ChannelError(code, message, details);
}

/** How often the client looks for publishes and calls that it must not send again, in milliseconds. */
const CHECK_EXPIRY_MS = 1000;

/** Creates the session of a client, before its first connection. */
export function createSession(environment: ClientSessionEnvironment): ClientSession {
  const { timers } = environment;
  const requests = new globalThis.Map<number, Request>();
  /** By type: how many requests were sent and have no answer. */
  let pending: Record<string, number> = {};
  let queuedBytes = 0;
  let lastId = 0;
  let welcome: Welcome;
  let onIdle: (() => void) | undefined;
  let expiry: unknown;

  const settle = (request: Request, error?: ChannelError, answer?: AnswerFrame): void => {
    if (!requests.delete(request.id)) return;
    queuedBytes -= request.bytes;
    if (request.isSent) pending[request.type]--;
    request.settle(error, answer);
    // Only publishes and calls wait for the answers to others.
    if (request.bytes) sendWaiting();
    if (!queuedBytes) onIdle?.();
  };
  const fail = (
    request: Request,
    code: string,
    message: string,
    cause?: unknown,
    end = settle,
  ): void =>
    end(request, new ChannelError(code, message, { cause, mayBeStored: !!request.sentAt }));

  const send = (request: Mutable<Request>): void => {
    const { type } = request;
    try {
      // The caller may change the data later, so it is encoded now. And it waits in the queue.
      if (/^(pub|call)/.test(type) && !request.bytes) {
        const message = request.encode();
        queuedBytes += request.bytes = byteLength(message);
        request.encode = () => message;
        if (queuedBytes > environment.maxQueuedBytes) {
          fail(
            request,
            "QUEUE_FULL",
            `${queuedBytes} bytes exceed maxQueuedBytes ${environment.maxQueuedBytes}`,
          );
          return;
        }
      }
      if (request.isSent || !session.isOpen || pending[type] >= welcome.maxPending[type as "call"])
        return;
      const message = request.encode();
      const bytes = request.bytes || byteLength(message);
      if (bytes > welcome.maxMessageBytes!) {
        fail(
          request,
          "TOO_BIG",
          `${bytes} bytes exceed maxMessageBytes ${welcome.maxMessageBytes} of the server`,
        );
        return;
      }
      pending[type] = ~~pending[type] + 1;
      request.isSent = true;
      request.sentAt ??= environment.now();
      environment.send(message);
    } catch (error) {
      // JSON cannot express the data.
      settle(request, error as ChannelError);
    }
  };
  const sendWaiting = (): void => {
    for (const request of requests.values()) send(request);
  };

  /** Fails the publishes and calls that were sent too long ago to be sent again. */
  const expire = (): void => {
    const now = environment.now();
    for (const request of requests.values()) {
      const { bytes, sentAt, isSent } = request;
      if (!bytes || !sentAt || isSent) continue;
      const ageMs = Math.max(...now.map((ms, clock) => ms - sentAt[clock]));
      if (ageMs >= welcome.idWindowMs)
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
    sendWaiting();
    environment.onWelcome(frame.expiresInMs);
  };

  const handle = (frame: ServerFrame, message: string | Uint8Array): void => {
    const { type, topic, id, mayBeStored } = frame as AnyFields;
    const request = requests.get(id);
    // The error of a publish. The server holds back later publishes until the client has seen it.
    if (mayBeStored !== undefined) session.send({ type: "seen", id });
    if (type === "welcome") open(frame as Welcome);
    else if (request) {
      if (type === "item")
        request.onItem?.((frame as ItemFrame).data, frame as ItemFrame, byteLength(message));
      else if (type === "error")
        settle(
          request,
          errorOf({ ...frame, mayBeStored: request.isRepeated || mayBeStored } as never),
        );
      else if (/^(result|end|subscribed|members)$/.test(type))
        settle(request, undefined, frame as AnswerFrame);
    } else if (topic) {
      const kind = /^(lo|unsub)/.test(type) ? "subscribe" : "watch";
      const state = session.states.get(`${kind} ${topic}`);
      // Before the answer, notices are about an earlier state of the same kind.
      if (!state?.request || requests.has(state.request.id)) return;
      // As a regular expression, like the others, because it compresses better.
      // oxlint-disable-next-line unicorn/prefer-string-starts-ends-with
      if (/^un/.test(type)) state.end(errorOf(frame as never));
      else state.handler.receive(frame);
    }
  };

  const session: Mutable<ClientSession> = {
    ...environment,
    states: new globalThis.Map(),
    subscriptions: new globalThis.Map(),
    connection: 0,
    whenIdle(callback) {
      onIdle = callback;
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
      try {
        const frame = readFrame(message);
        if (Array.isArray(frame))
          session.subscriptions.get(frame[0])?.(frame[1], byteLength(message));
        else handle(frame as ServerFrame, message);
      } catch (error) {
        environment.fail(error);
      }
    },
    lose(error) {
      session.isOpen = false;
      session.subscriptions.clear();
      pending = {};
      for (const state of session.states.values()) state.request = undefined;
      for (const request of requests.values()) {
        const { type, name, bytes, isSent } = request;
        request.isSent = false;
        if (isSent && bytes) request.isRepeated = true;
        const isKept = !isSent || /^(pub|his)/.test(type) || welcome.repeatable.includes(name!);
        if (session.ended || (!isKept && name))
          fail(request, error.code, error.message, error.cause);
        else if (!isKept) settle(request);
      }
      expire();
    },
    end(error) {
      session.ended ??= error;
      session.lose(error);
      for (const state of session.states.values()) state.open();
    },
    send(frame) {
      if (session.isOpen) environment.send(encodeFrame(frame as never));
    },
    add(type, fields, settleRequest, onItem, name) {
      const id = ++lastId;
      const request: Request = {
        type,
        id,
        name,
        bytes: 0,
        encode: () => encodeRequest({ type, id, name, ...fields(id) } as object),
        settle: settleRequest,
        onItem,
      };
      requests.set(id, request);
      // It fails the request.
      if (session.ended) session.lose(session.ended);
      else send(request);
      return request;
    },
    cancel(request, error) {
      if (request.isSent && requests.has(request.id) && /^(call|str|his)/.test(request.type))
        session.send({ type: "cancel", id: request.id });
      settle(request, error);
    },
    request(type, fields, { signal, timeoutMs } = {}, onItem, name) {
      return new Promise((resolve, reject) => {
        const abort = (): void => session.cancel(request, signal!.reason as ChannelError);
        // It makes the promise reject.
        signal?.throwIfAborted();
        signal?.addEventListener("abort", abort);
        const timer =
          timeoutMs! >= 0 &&
          timers.setTimeout(
            () =>
              fail(
                request,
                "TIMEOUT",
                `no answer within ${timeoutMs} ms`,
                undefined,
                session.cancel,
              ),
            timeoutMs!,
          );
        const request = session.add(
          type,
          fields,
          (error, answer) => {
            timers.clearTimeout(timer as never);
            signal?.removeEventListener("abort", abort);
            if (error) reject(error);
            else resolve(answer!);
          },
          onItem,
          name,
        );
      });
    },
  };
  return session;
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };
