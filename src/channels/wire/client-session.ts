import { ChannelError, type ChannelErrorDetails } from "./channel-error.ts";
import type { SessionState } from "./client-state.ts";
import {
  byteLength,
  decodeFrame,
  encodeFrame,
  type ErrorFields,
  type ServerFrame,
} from "./frames.ts";

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

/** The answer to a request: its last frame, and the output, which may be the bytes of a binary frame. */
export type Answer = readonly [frame: AnswerFrame, output: unknown];

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
export type Settle = (error?: ChannelError, answer?: Answer) => void;

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
  /** The last lost connection of those that the server had accepted. */
  readonly previous?: number | undefined;
  /** Whether the server has accepted the current connection. */
  readonly isOpen?: boolean;
  /** Whether each publish and call has its answer. */
  readonly isIdle: boolean;
  /** The code of why the server will not accept the client, if a frame reported it. */
  readonly refusal?: string;
  /** The error that ended the session, if it has ended. */
  readonly ended?: ChannelError;
  /** Called when there is no publish and no call without an answer. */
  onIdle?: () => void;
  /** A connection is open: introduces the client. */
  hello(auth: unknown): void;
  /** Handles a message of the server. Never throws. */
  receive(message: string | Uint8Array): void;
  /** The connection has ended. */
  lose(): void;
  /** No connection follows. Every request fails, and so does each later one. */
  end(code: string, details?: ChannelErrorDetails): void;
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
  ): Promise<Answer>;
}

/** Encodes a request. Its data or input may be bytes. */
function encodeRequest(frame: { data?: unknown; input?: unknown }): Message {
  const { data, input, ...others } = frame;
  for (const value of [data, input])
    if (value instanceof Uint8Array) return encodeFrame(others as never, value);
  return encodeFrame(frame as never);
}

/** Makes the error of a frame that has the fields of one. */
function errorOf(frame: ErrorFields): ChannelError {
  const {
    type: _type,
    id: _id,
    topic: _topic,
    code,
    ...details
  } = frame as never as Record<string, never>;
  return new ChannelError(code, details);
}

/** Creates the session of a client, before its first connection. */
export function createSession(environment: ClientSessionEnvironment): ClientSession {
  const { timers } = environment;
  const requests = new globalThis.Map<number, Request>();
  /** By type: how many requests were sent and have no answer. */
  let pending: Record<string, number> = {};
  /** How many requests wait until they may be sent. */
  let waiting = 0;
  let queuedBytes = 0;
  let lastId = 0;
  let welcome: Welcome;
  let repeatable: Set<unknown> | undefined;
  let expiry: unknown;

  const settle = (request: Request, error?: ChannelError, answer?: Answer): void => {
    if (!requests.delete(request.id)) return;
    queuedBytes -= request.bytes;
    if (request.isSent) pending[request.type]--;
    else waiting--;
    request.settle(error, answer);
    sendWaiting();
    if (!queuedBytes) session.onIdle?.();
  };
  const fail = (
    request: Request,
    code: string,
    details?: ChannelErrorDetails,
    end = settle,
  ): void => end(request, new ChannelError(code, { ...details, mayBeStored: !!request.sentAt }));

  const send = (request: Request): void => {
    const { type } = request;
    const count = ~~pending[type];
    if (!session.isOpen || count >= welcome.maxPending[type as "call"]) return;
    pending[type] = count + 1;
    waiting--;
    request.isSent = true;
    request.sentAt ??= environment.now();
    environment.send(request.encode());
  };
  const sendWaiting = (): void => {
    if (waiting > 0) for (const request of requests.values()) if (!request.isSent) send(request);
  };

  /** Fails the publishes and calls that were sent too long ago to be sent again. */
  const expire = (): void => {
    const now = environment.now();
    let nextMs = Infinity;
    for (const request of requests.values()) {
      const { bytes, sentAt, isSent } = request;
      if (!bytes || !sentAt || isSent) continue;
      const leftMs = welcome.idWindowMs - Math.max(...now.map((ms, clock) => ms - sentAt[clock]));
      if (leftMs > 0) nextMs = Math.min(nextMs, leftMs);
      else fail(request, "UNCONFIRMED");
    }
    timers.clearTimeout(expiry as never);
    if (nextMs < 2 ** 31) expiry = timers.setTimeout(expire, nextMs);
  };

  const open = (frame: Welcome): void => {
    repeatable = new Set(frame.repeatable);
    welcome = frame;
    if (!session.isOpen) {
      session.isOpen = true;
      expire();
      for (const state of session.states.values()) state.open();
      sendWaiting();
    }
    environment.onWelcome(frame.expiresInMs);
  };

  const handle = (
    frame: ServerFrame,
    bytes: Uint8Array | undefined,
    message: string | Uint8Array,
  ): void => {
    const { type, topic, id, mayBeStored } = frame as AnyFields;
    const request = requests.get(id);
    // The error of a publish. The server holds back later publishes until the client has seen it.
    if (mayBeStored !== undefined) session.send({ type: "seen", id });
    if (type === "welcome") open(frame as Welcome);
    else if (type === "versions") session.refusal = "UNSUPPORTED_VERSION";
    else if (request) {
      if (type === "item")
        request.onItem?.(
          bytes ?? (frame as ItemFrame).data,
          frame as ItemFrame,
          byteLength(message),
        );
      else if (type === "error")
        settle(
          request,
          errorOf({ ...frame, mayBeStored: request.isRepeated || mayBeStored } as never),
        );
      else if (/^(result|end|subscribed|members)$/.test(type))
        settle(request, undefined, [
          frame as AnswerFrame,
          bytes ?? (frame as { output?: unknown }).output,
        ]);
    } else if (topic !== undefined) {
      const kind = /^(lo|unsub)/.test(type) ? "subscribe" : "watch";
      const state = session.states.get(`${kind} ${topic}`);
      // Before the answer, notices are about an earlier state of the same kind.
      if (!state?.request || requests.has(state.request.id)) return;
      // As a regular expression, like the others, because it compresses better.
      // oxlint-disable-next-line unicorn/prefer-string-starts-ends-with
      if (/^un/.test(type)) state.end(errorOf(frame as never));
      else state.handler.notice?.(frame);
    }
  };

  const session: Mutable<ClientSession> = {
    ...environment,
    states: new globalThis.Map(),
    subscriptions: new globalThis.Map(),
    connection: 0,
    get isIdle() {
      return !queuedBytes;
    },
    hello(auth) {
      environment.send(
        encodeFrame({
          type: "hello",
          auth,
          session: environment.secret,
          connection: ++session.connection,
        }),
      );
    },
    receive(message) {
      try {
        const { frame, bytes } = decodeFrame(message);
        if (Array.isArray(frame))
          session.subscriptions.get(frame[0])?.(bytes ?? frame[1], byteLength(message));
        else handle(frame as ServerFrame, bytes, message);
      } catch (error) {
        environment.fail(error);
      }
    },
    lose() {
      if (session.isOpen) session.previous = session.connection;
      session.isOpen = false;
      session.subscriptions.clear();
      pending = {};
      for (const state of session.states.values()) state.request = undefined;
      for (const request of requests.values()) {
        const { type, name, isSent } = request;
        if (!isSent) continue;
        request.isSent = false;
        request.isRepeated = request.bytes > 0;
        waiting++;
        if (/^(pub|his)/.test(type) || repeatable!.has(name)) continue;
        if (name === undefined) settle(request);
        else fail(request, "CONNECTION_LOST");
      }
      expire();
    },
    end(code, details) {
      session.isOpen = false;
      session.ended ??= new ChannelError(code, details);
      for (const request of requests.values()) fail(request, code, details);
      session.lose();
      for (const state of session.states.values()) state.open();
    },
    send(frame) {
      if (session.isOpen) environment.send(encodeFrame(frame as never));
    },
    add(type, fields, settleRequest, onItem, name) {
      const id = ++lastId;
      let encode = (): Message => encodeRequest({ type, id, name, ...fields(id) } as object);
      let bytes = 0;
      // The caller may change the data later, so it is encoded now. And it waits in the queue.
      if (/^(pub|call)/.test(type)) {
        const message = encode();
        bytes = byteLength(message);
        encode = () => message;
      }
      const request = { type, id, name, bytes, encode, settle: settleRequest, onItem };
      requests.set(id, request);
      queuedBytes += bytes;
      waiting++;
      if (session.ended) fail(request, session.ended.code);
      else if (bytes && queuedBytes > environment.maxQueuedBytes) fail(request, "QUEUE_FULL");
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
          timers.setTimeout(() => fail(request, "TIMEOUT", {}, session.cancel), timeoutMs!);
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
