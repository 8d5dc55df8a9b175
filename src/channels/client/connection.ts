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
export type ConnectionEnd = Pick<WebSocketCloseEvent, "code" | "reason" | "wasClean"> & {
  readonly error?: unknown;
};

/** A WebSocket of any runtime, as a client uses it. */
export interface ClientSocket {
  binaryType: string;
  readonly bufferedAmount: number;
  /** The maximum size of a received message. Undefined if there is no limit, as in browsers. */
  readonly maxMessageBytes?: number;
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
  /** The connection is lost, or an attempt has failed. */
  lose(end: ConnectionEnd): void;
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
  /** Connects again at once. */
  reconnect(): void;
  /** Ends it, and calls `end` of the handler. Resolves after the closing handshake. */
  close(): Promise<void>;
}

/** Milliseconds without a message after which the client sends a ping. */
const PING_AFTER_MS = 30_000;
/** Milliseconds after a ping without a message after which the connection is lost. */
const PONG_WITHIN_MS = 20_000;
/** When the page wakes, an older attempt is replaced, because its network may no longer exist. */
const STALE_ATTEMPT_MS = 2000;

/** The globals of a web page. A runtime without pages does not have some or all of them. */
interface Page {
  addEventListener?(type: string, listener: (event: Event) => void): void;
  removeEventListener?(type: string, listener: (event: Event) => void): void;
  readonly document?: { readonly hidden: boolean };
}
const page: Page = globalThis;

/** The close code of RFC 6455 7.4.1 for a normal close. */
const NORMAL = 1000;

const NO_CONNECTION: ConnectionEnd = { code: 1006, reason: "", wasClean: false };

/**
 * Keeps a connection to a server, with the delays and decisions of a `ReconnectingWebSocket`, except that it
 * ignores `navigator.onLine`. It has no events and no queue: a client has a session for those.
 *
 * @throws UsageError `INVALID_OPTION`
 */
export function keepConnected(
  WebSocket: ClientSocketClass,
  session: ClientSession,
  handler: ConnectionHandler,
  { timers, decide, random = Math.random, ...delays }: ConnectionOptions,
): KeptConnection {
  const settings = {
    initialDelayMs: 2000,
    maxDelayMs: 30_000,
    stableAfterMs: 5000,
    handshakeTimeoutMs: 10_000,
    random,
  };
  for (const name in delays) {
    const value = delays[name as "maxDelayMs"] ?? settings[name as "maxDelayMs"];
    if (!(name in settings && isDelay(value)))
      throw new UsageError("INVALID_OPTION", `${name} is ${value}`);
    settings[name as "maxDelayMs"] = value;
  }
  /** The socket of the current attempt or connection. Events of others are ignored. */
  let socket: ClientSocket | undefined;
  /** When the latest attempt has started, and then when its socket has opened. */
  let sinceMs = 0;
  let attempts = 0;
  /** Ends the attempt, checks the connection, or starts the next attempt. Each attempt sets another timer. */
  let timer: unknown;

  const wait = (callback: () => unknown, delayMs: number): void => {
    timers.clearTimeout(timer as never);
    timer = timers.setTimeout(callback, delayMs);
  };
  const fail = (error: unknown): void => lose({ ...NO_CONNECTION, error });
  /** Fails the attempt or connection after a time in which less and less waits to be sent. */
  const failAfter = (
    delayMs = settings.handshakeTimeoutMs,
    unsentBytes = socket?.bufferedAmount,
  ): void => {
    wait(() => {
      // Without a socket, both are undefined.
      if (unsentBytes! > (socket?.bufferedAmount as number)) failAfter(delayMs);
      else fail(new ChannelError("TIMEOUT", `no answer within ${delayMs} ms`));
    }, delayMs);
  };
  const check = (): void => {
    session.send({ type: "ping" });
    failAfter(PONG_WITHIN_MS);
  };
  /** Ends the attempt or connection. With a callback, closes it normally, and calls back when it has closed. */
  const drop = (onclose: (() => void) | null = null): void => {
    const dropped = socket;
    if (session.isOpen && Date.now() - sinceMs >= settings.stableAfterMs) attempts = 0;
    socket = undefined;
    if (!dropped) return onclose?.();
    dropped.onopen = dropped.onmessage = null;
    dropped.onclose = onclose;
    if (onclose) dropped.close(NORMAL);
    else dropped.close();
  };
  const retry = (delayMs: number, end: ConnectionEnd): void => {
    drop();
    attempts++;
    wait(connect, Math.min(2 ** 31 - 1, delayMs));
    handler.lose(end);
  };
  const lose = (end: ConnectionEnd): void => {
    // First, because the delay after a stable connection is the shortest.
    drop();
    const decision = decide(end);
    if (decision === "stop") finish(end);
    else {
      const isLater = page.document?.hidden || decision === "retry-later";
      retry((+decision || 0) + reconnectDelayMs(settings, attempts, isLater), end);
    }
  };
  const finish = (end: ConnectionEnd): void => {
    drop();
    timer = timers.clearTimeout(timer as never);
    listen("removeEventListener");
    handler.end(end);
  };
  /** Makes a listener of the socket. An error fails the connection. */
  const guarded =
    <Event>(listener: (event: Event) => void) =>
    (event: Event): void => {
      try {
        listener(event);
      } catch (error) {
        fail(error);
      }
    };
  const connect = async (): Promise<void> => {
    sinceMs = Date.now();
    failAfter();
    const attempt = timer;
    try {
      const [url, auth] = await handler.prepare();
      if (attempt === timer) {
        const opened = (socket = new WebSocket(url as string, SUBPROTOCOL));
        opened.binaryType = "arraybuffer";
        opened.onopen = guarded(() => {
          sinceMs = Date.now();
          failAfter();
          session.hello(auth, opened.maxMessageBytes);
        });
        opened.onmessage = guarded(({ data }: MessageEvent<string | ArrayBuffer>) => {
          wait(check, PING_AFTER_MS);
          session.receive(typeof data === "string" ? data : new Uint8Array(data));
        });
        opened.onclose = lose;
      }
    } catch (error) {
      if (attempt === timer) fail(error);
    }
  };
  const wake = ({ type }: Event): void => {
    // The browser may keep the page for its back button, with the connection and its members of topics.
    if (type === "pagehide") {
      drop(() => {});
      lose(NO_CONNECTION);
    } else if (type === "online" || !page.document?.hidden) {
      if (session.isOpen) check();
      else if (Date.now() - sinceMs > STALE_ATTEMPT_MS) retry(0, NO_CONNECTION);
    }
  };
  const listen = (method: "addEventListener" | "removeEventListener"): void => {
    for (const type of ["online", "pagehide", "visibilitychange"]) page[method]?.(type, wake);
  };
  const connection: KeptConnection = {
    reconnect() {
      if (!session.ended) retry(0, NO_CONNECTION);
    },
    close() {
      return new Promise<void>((resolve) => {
        drop(resolve);
        finish(NO_CONNECTION);
      });
    },
    send: (message) => socket?.send(message),
  };
  listen("addEventListener");
  void connect();
  return connection;
}
