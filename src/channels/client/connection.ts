import type { WebSocketCloseEvent } from "../../client/close-event.ts";
import { isDelay, reconnectDelayMs } from "../../client/reconnect-policy.ts";
import type {
  DecideReconnect,
  ReconnectingWebSocketOptions,
  Timers,
} from "../../client/reconnecting-interface.ts";
import { UsageError } from "../../errors/index.ts";
import { ChannelError } from "../wire/channel-error.ts";
import type { ClientSession, Message } from "../wire/client-session.ts";
import { SUBPROTOCOL } from "../wire/frames.ts";

/** How a connection has ended, or why an attempt has failed. */
export type ConnectionEnd = Pick<WebSocketCloseEvent, "code" | "reason" | "wasClean" | "error">;

/** A WebSocket of any runtime, as a client uses it. */
export interface ClientSocket {
  binaryType: string;
  onopen: unknown;
  onmessage: unknown;
  onclose: unknown;
  send(message: Message): void;
  close(code?: number): void;
}

/** The class of WebSockets of a runtime. */
export type ClientSocketClass = new (url: string | URL, protocol: string) => ClientSocket;

/** The owner of a connection. */
export interface ConnectionHandler {
  /** Returns what an attempt needs: the URL, and the client's credentials. */
  prepare(): Promise<readonly unknown[]>;
  /** The connection is lost, or an attempt has failed. `error` is its error, if there is one. */
  lose(error: unknown): void;
  /** No attempt follows. */
  end(end: ConnectionEnd): void;
}

/** The options of a connection. */
export interface ConnectionOptions extends Pick<
  ReconnectingWebSocketOptions,
  "initialDelayMs" | "maxDelayMs" | "stableAfterMs" | "handshakeTimeoutMs" | "random"
> {
  readonly decide: DecideReconnect;
  readonly timers: Timers;
}

/** A connection that is made again when it is lost. */
export interface KeptConnection {
  /** Sends a message on the current connection, if there is one. */
  send(message: Message): void;
  /** Fails the current connection. */
  fail(error: unknown): void;
  /** Connects again at once. */
  reconnect(): void;
  /** Ends it, and calls `end` of the handler. */
  close(): void;
}

interface Attempt {
  /** When it started, and then when it opened. */
  sinceMs: number;
  socket?: ClientSocket;
}

/** Milliseconds without a message after which the client sends a ping. */
const PING_AFTER_MS = 30_000;
/** Milliseconds after a ping without a message after which the connection is lost. */
const PONG_WITHIN_MS = 20_000;
/** When the page wakes, an older attempt is replaced, because its network may no longer exist. */
const STALE_ATTEMPT_MS = 2000;

/** The globals of a web page. A runtime without pages does not have some or all of them. */
interface Page {
  addEventListener?(type: string, listener: () => void): void;
  removeEventListener?(type: string, listener: () => void): void;
  readonly navigator?: { readonly onLine?: boolean };
  readonly document?: { readonly hidden: boolean };
}
const page: Page = globalThis;

const NO_CONNECTION: ConnectionEnd = { code: 1006, reason: "", wasClean: false };

/**
 * Keeps a connection to a server, with the delays and decisions of a `ReconnectingWebSocket`, but without its
 * events and its queue: a client has a session for those.
 *
 * @throws UsageError `INVALID_OPTION`
 */
export function keepConnected(
  WebSocket: ClientSocketClass,
  session: ClientSession,
  handler: ConnectionHandler,
  {
    initialDelayMs = 2000,
    maxDelayMs = 30_000,
    stableAfterMs = 5000,
    handshakeTimeoutMs = 10_000,
    random = Math.random,
    timers,
    decide,
  }: ConnectionOptions,
): KeptConnection {
  if (![initialDelayMs, maxDelayMs, stableAfterMs, handshakeTimeoutMs].every(isDelay))
    throw new UsageError("INVALID_OPTION", "invalid delay");
  /** The current attempt or connection. Events of others are ignored. */
  let attempt: Attempt | undefined;
  let attempts = 0;
  /** Ends the attempt, checks the connection, or starts the next attempt. */
  let timer: unknown;

  const wait = (callback: () => unknown, delayMs: number): void => {
    timers.clearTimeout(timer as never);
    timer = timers.setTimeout(callback, delayMs);
  };
  const fail = (error: unknown, failed = attempt): void =>
    lose(failed, { ...NO_CONNECTION, error });
  const failAfter = (delayMs: number): void =>
    wait(() => fail(new ChannelError("TIMEOUT")), delayMs);
  const check = (): void => {
    session.send({ type: "ping" });
    failAfter(PONG_WITHIN_MS);
  };
  const ageMs = (): number => Date.now() - (attempt?.sinceMs ?? 0);
  const drop = (): void => {
    if (session.isOpen && ageMs() >= stableAfterMs) attempts = 0;
    const socket = attempt?.socket;
    attempt = undefined;
    socket?.close();
  };
  const retry = (delayMs: number, error?: unknown): void => {
    drop();
    attempts++;
    wait(connect, delayMs);
    session.lose();
    handler.lose(error);
  };
  const lose = (lost: Attempt | undefined, end: ConnectionEnd): void => {
    if (!lost || lost !== attempt) return;
    const decision = decide(end);
    const delayMs =
      page.navigator?.onLine === false
        ? maxDelayMs
        : reconnectDelayMs(
            { initialDelayMs, maxDelayMs, random },
            attempts,
            page.document?.hidden || decision === "retry-later",
          );
    if (decision === "stop") finish(end);
    else retry(Math.min(2 ** 31 - 1, delayMs + ~~decision), end.error);
  };
  const finish = (end: ConnectionEnd): void => {
    drop();
    timers.clearTimeout(timer as never);
    for (const type of ["online", "visibilitychange"]) page.removeEventListener?.(type, wake);
    handler.end(end);
  };
  const connect = async (): Promise<void> => {
    const current: Attempt = (attempt = { sinceMs: Date.now() });
    const isCurrent = (): boolean => current === attempt;
    failAfter(handshakeTimeoutMs);
    try {
      const [url, auth] = await handler.prepare();
      if (!isCurrent()) return;
      const socket = (current.socket = new WebSocket(url as string, SUBPROTOCOL));
      socket.binaryType = "arraybuffer";
      socket.onopen = () => {
        if (!isCurrent()) return;
        current.sinceMs = Date.now();
        failAfter(handshakeTimeoutMs);
        session.hello(auth);
      };
      socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
        if (!isCurrent()) return;
        wait(check, PING_AFTER_MS);
        session.receive(typeof data === "string" ? data : new Uint8Array(data));
      };
      socket.onclose = (end: ConnectionEnd) => lose(current, end);
    } catch (error) {
      fail(error, current);
    }
  };
  const wake = (): void => {
    if (page.document?.hidden) return;
    if (session.isOpen) check();
    else if (ageMs() > STALE_ATTEMPT_MS) connection.reconnect();
  };
  const connection: KeptConnection = {
    send: (message) => attempt?.socket?.send(message),
    fail,
    reconnect() {
      if (!session.ended) retry(0);
    },
    close() {
      attempt?.socket?.close(1000);
      finish(NO_CONNECTION);
    },
  };
  for (const type of ["online", "visibilitychange"]) page.addEventListener?.(type, wake);
  void connect();
  return connection;
}
