import type { EventStream } from "../streams/event-stream.ts";
import type { WebSocketCloseEvent } from "./close-event.ts";
import type { EventHandler } from "./event-handlers.ts";
import type {
  EventListenerList,
  EventStreamProvider,
  WebSocketStreamProviders,
  WebSocketStreams,
} from "./event-streams.ts";
import type { WebSocketOptions } from "./options.ts";
import type { ReconnectDecision } from "./reconnect-policy.ts";
import type {
  TypedEventTarget,
  WebSocketErrorEvent,
  WebSocketEventMap,
  WebSocketMessageEvent,
} from "./web-socket-events.ts";
import type { BinaryType, ReadyStateConstants, WebSocketData } from "./web-socket-interface.ts";

/** A value, or a function that is asked for it before each attempt. */
export type ValueOrProvider<T> = T | (() => T | PromiseLike<T>);

/** The subprotocols to offer, in order of preference. */
export type Protocols = string | readonly string[];

/** The clock of a `ReconnectingWebSocket`; `globalThis` is one. */
export interface Timers {
  setTimeout(callback: () => void, delayMs: number): unknown;
  clearTimeout(timer: never): void;
}

/** A connection as a heartbeat sees it: a WebSocket that has just been made. */
export interface HeartbeatSocket extends Pick<EventTarget, "addEventListener" | "dispatchEvent"> {
  send(data: WebSocketData): void;
  close(): void;
}

/**
 * Watches over one connection, from when its WebSocket is made until its `close` event, which it
 * dispatches itself when nobody answers. Returns what checks the connection at once.
 */
export type Heartbeat = (socket: HeartbeatSocket, timers: Timers) => () => void;

/** Decides by how a connection, or an attempt at one, has ended. */
export type DecideReconnect = (
  close: Pick<WebSocketCloseEvent, "code" | "reason" | "wasClean" | "error">,
) => ReconnectDecision;

export interface ReconnectingWebSocketOptions {
  /** The subprotocols to offer, or a function asked before each attempt. Default: none. */
  readonly protocols?: ValueOrProvider<Protocols>;
  /**
   * Options for each WebSocket, where its class takes any, or a function asked before each attempt:
   * for headers with a token that expires, say.
   */
  readonly webSocketOptions?: ValueOrProvider<Omit<WebSocketOptions, "protocols">>;
  /**
   * Finds connections that are dead though nobody said so: a function, which `heartbeat` makes. (A
   * `WebSocket` in Node takes a record of times instead, `heartbeat` of `webSocketOptions`, and sends
   * pings.) When it throws, the attempt has failed. Default: none.
   */
  readonly heartbeat?: Heartbeat;
  /** The longest wait before the first retry, doubled with each one. Default: 2,000. */
  readonly initialDelayMs?: number;
  /** Where the doubling stops. Default: 30,000. */
  readonly maxDelayMs?: number;
  /**
   * How long a connection has to stay open until the delay starts anew. With less, a server that
   * accepts and then drops everyone would be called every two seconds. Default: 5,000.
   */
  readonly stableAfterMs?: number;
  /**
   * Milliseconds that the `url`, `protocols` and `webSocketOptions` functions may take to settle, and
   * again that the connection may take to open. After that the attempt fails, with an `error` event with
   * the code HANDSHAKE_TIMEOUT. In Node, `handshakeTimeoutMs` of `webSocketOptions` overrides the time
   * to open. Default: 10,000.
   */
  readonly handshakeTimeoutMs?: number;
  /** Bytes of payload that may wait for a connection; see `send`. Default: 1,048,576 (1 MiB). */
  readonly maxQueuedBytes?: number;
  /**
   * Decides, synchronously, whether to try again after a close. If it throws, or returns anything but a
   * `ReconnectDecision`, the socket stops with an `error` event. Default: `decideReconnect`.
   */
  readonly decide?: DecideReconnect;
  /** A number from 0 to 1 for the jitter. Default: `Math.random`. */
  readonly random?: () => number;
  /** Default: the timers of the runtime. */
  readonly timers?: Timers;
}

/** Tells of a new attempt (`reconnecting`) or of its success (`reconnected`). */
export interface ReconnectEvent extends Event {
  /** 1 for the first attempt since the last stable connection. */
  readonly attempt: number;
  /** How long this attempt waits, or waited. */
  readonly delayMs: number;
  /** The close code that the previous connection ended with; 1006 also where none was reached. */
  readonly code: number;
  /** The close reason that goes with `code`. */
  readonly reason: string;
}

export interface ReconnectingEventMap extends WebSocketEventMap {
  reconnecting: ReconnectEvent;
  reconnected: ReconnectEvent;
}

/**
 * A WebSocket that connects again by itself. It has the face of a WebSocket, with these meanings:
 *
 * - `open` comes with each connection, followed by `reconnected` from the second one on. What its
 *   listeners send leaves first; what had waited for the connection follows.
 * - `error` comes with each failure, and `reconnecting` when a new attempt is scheduled.
 * - `close` comes once, when no attempt follows: after `close()`, or when `decide` stops. By default
 *   these close codes stop: 1000, 1002, 1003, 1007, 1008, 1009, 1010, 3000 and 3003. In Node, so do these
 *   HTTP statuses: 400, 401, 403, 405, 410 and 426. A 404 does not: a proxy or server that is being
 *   deployed may lack the path for a while.
 * - In Node, a 429 or 503 with `Retry-After` delays the next attempt by that time, at most five minutes.
 * - `readyState` is CONNECTING between connections.
 * - In a page, an attempt starts at once when the page goes online or becomes visible. It replaces an
 *   attempt that is older than two seconds. The heartbeat, if there is one, checks an open connection
 *   then. While the page is hidden, attempts wait for at least half the longest delay.
 * - While `navigator.onLine` is false, attempts continue at the longest delay, because a local server
 *   may still be reachable. `reconnect()` always tries at once.
 * - A message that was handed to a connection which then broke is not sent again: whether it
 *   arrived cannot be known.
 */
export interface ReconnectingWebSocketInstance
  extends TypedEventTarget<ReconnectingEventMap>, ReadyStateConstants, WebSocketStreams {
  /** The URL of the current connection, or of the last one; empty before the first. */
  readonly url: string;
  readonly readyState: number;
  /**
   * Can be set anew at any time, as a whole: each option counts from when it is used next.
   *
   * @throws UsageError INVALID_OPTION for a limit that is not valid; nothing is changed then
   */
  options: ReconnectingWebSocketOptions;
  /** Bytes of payload that wait for a connection or in the current one. */
  readonly bufferedAmount: number;
  /** Those of the current connection, else the empty string. */
  readonly extensions: string;
  /** That of the current connection, else the empty string. */
  readonly protocol: string;
  /** How binary messages are handed out. Default: `"blob"`. */
  binaryType: BinaryType;

  onopen: EventHandler<Event>;
  onmessage: EventHandler<WebSocketMessageEvent>;
  onerror: EventHandler<WebSocketErrorEvent>;
  onclose: EventHandler<WebSocketCloseEvent>;
  onreconnecting: EventHandler<ReconnectEvent>;
  onreconnected: EventHandler<ReconnectEvent>;

  readonly onReconnecting: EventStream<ReconnectEvent>;
  readonly onReconnected: EventStream<ReconnectEvent>;

  readonly on: WebSocketStreams["on"] & {
    readonly reconnecting: EventListenerList<ReconnectEvent>;
    readonly reconnected: EventListenerList<ReconnectEvent>;
  };

  /**
   * Sends a message, or keeps a copy of it for the next connection. It accepts and refuses the same
   * data in every state: a view of shared memory or of a resizable buffer throws a TypeError, and a
   * detached buffer is an empty message.
   *
   * @throws TidewayError QUEUE_FULL when more than `maxQueuedBytes` would wait; the message is not
   *   taken, and those that wait are kept
   */
  send(data: WebSocketData): void;

  /**
   * Connects anew at once: what was open is closed, what was waited for is not. Without effect once
   * it is closed, or being closed.
   */
  reconnect(): void;

  /**
   * Closes for good, in any state, and without effect once it has begun. Without an open connection
   * the `close` event follows with the code 1006, and what waits is never sent.
   *
   * @throws DOMException as for a WebSocket, which the latest one checks: before there has been any,
   *   nothing is thrown
   */
  close(code?: number, reason?: string): void;
}

export interface ReconnectingWebSocketConstructor
  extends ReadyStateConstants, WebSocketStreamProviders {
  /**
   * Starts to connect; events follow later, never during the call.
   *
   * @param url the URL, or a function called before each attempt. If it throws, rejects or does not
   *   settle within `handshakeTimeoutMs`, the attempt fails. The first invalid URL that it returns is
   *   also printed to the console
   * @param protocols the subprotocols to offer, or a function as for `url`, or options
   * @throws whatever the WebSocket class throws for a URL or subprotocols given as plain values, and
   *   then what `heartbeat` does
   */
  new (
    url: ValueOrProvider<string | URL>,
    protocols?: ValueOrProvider<Protocols> | ReconnectingWebSocketOptions,
  ): ReconnectingWebSocketInstance;
  readonly prototype: ReconnectingWebSocketInstance;
  readonly reconnectingEvent: EventStreamProvider<ReconnectEvent>;
  readonly reconnectedEvent: EventStreamProvider<ReconnectEvent>;
}
