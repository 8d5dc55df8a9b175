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

/** A value, or a function that returns it before each attempt. */
export type ValueOrProvider<T> = T | (() => T | PromiseLike<T>);

/** The subprotocols to offer, in order of preference. */
export type Protocols = string | readonly string[];

/** The clock of a `ReconnectingWebSocket`; `globalThis` is one. */
export interface Timers {
  setTimeout(callback: () => void, delayMs: number): unknown;
  clearTimeout(timer: never): void;
}

/** A WebSocket that a heartbeat watches. */
export interface HeartbeatSocket extends Pick<EventTarget, "addEventListener" | "dispatchEvent"> {
  send(data: WebSocketData): void;
  close(): void;
}

/**
 * Watches one connection, from the creation of its WebSocket to its `close` event. If the server does not
 * answer, it dispatches that event itself. Returns a function that checks the connection at once.
 */
export type Heartbeat = (socket: HeartbeatSocket, timers: Timers) => () => void;

/** Decides what to do after a connection has ended or an attempt has failed. */
export type DecideReconnect = (
  close: Pick<WebSocketCloseEvent, "code" | "reason" | "wasClean" | "error">,
) => ReconnectDecision;

/** The options of a `ReconnectingWebSocket`. */
export interface ReconnectingWebSocketOptions {
  /** The subprotocols to offer, or a function that returns them before each attempt. Default: none. */
  readonly protocols?: ValueOrProvider<Protocols>;
  /**
   * Options for each WebSocket, or a function that returns them before each attempt, such as for headers
   * with a token that expires. Default: none.
   */
  readonly webSocketOptions?: ValueOrProvider<Omit<WebSocketOptions, "protocols">>;
  /**
   * Detects connections that are dead without a close event. Make it with `heartbeat`. (A `WebSocket` in
   * Node can send pings instead: pass `heartbeat` in `webSocketOptions`.) If it throws, the attempt fails.
   * Default: none.
   */
  readonly heartbeat?: Heartbeat;
  /** The longest wait before the first retry, doubled with each one. Default: 2,000. */
  readonly initialDelayMs?: number;
  /** The limit of the doubling. Default: 30,000. */
  readonly maxDelayMs?: number;
  /**
   * Milliseconds that a connection must stay open before the delay starts over. With a short time, a server
   * that accepts and then drops every connection is called every two seconds. Default: 5,000.
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
   * Decides, synchronously, whether to try again after a close. If it throws, or does not return a
   * `ReconnectDecision`, the socket stops with an `error` event. Default: `decideReconnect`.
   */
  readonly decide?: DecideReconnect;
  /** A number from 0 to 1 for the jitter. Default: `Math.random`. */
  readonly random?: () => number;
  /** Default: the timers of the runtime. */
  readonly timers?: Timers;
}

/** The event of a scheduled attempt (`reconnecting`), or of its success (`reconnected`). */
export interface ReconnectEvent extends Event {
  /** 1 for the first attempt since the last stable connection. */
  readonly attempt: number;
  /** Milliseconds that this attempt waits, or waited. */
  readonly delayMs: number;
  /** The close code of the previous connection; 1006 also if there was none. */
  readonly code: number;
  /** The close reason that goes with `code`. */
  readonly reason: string;
}

/** The events of a `ReconnectingWebSocket`, by type. */
export interface ReconnectingEventMap extends WebSocketEventMap {
  reconnecting: ReconnectEvent;
  reconnected: ReconnectEvent;
}

/**
 * A WebSocket that reconnects automatically. It has the interface of a WebSocket, with these meanings:
 *
 * - `open` comes with each connection, followed by `reconnected` from the second one on. Messages that its
 *   listeners send leave first. Messages that waited for the connection follow.
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
 * - A message that was passed to a connection which then broke is not sent again, because it may have
 *   arrived.
 */
export interface ReconnectingWebSocketInstance
  extends TypedEventTarget<ReconnectingEventMap>, ReadyStateConstants, WebSocketStreams {
  /** The URL of the current or latest connection; empty before the first. */
  readonly url: string;
  readonly readyState: number;
  /**
   * Can be replaced at any time, as a whole. Each option applies from its next use.
   *
   * @throws UsageError INVALID_OPTION for a limit that is not valid; nothing is changed then
   */
  options: ReconnectingWebSocketOptions;
  /** Bytes of payload that wait for a connection or in the current one. */
  readonly bufferedAmount: number;
  /** The extensions of the current connection, or the empty string. */
  readonly extensions: string;
  /** The subprotocol of the current connection, or the empty string. */
  readonly protocol: string;
  /** The type of binary messages. Default: `"blob"`. */
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
   * Sends a message, or keeps a copy of it for the next connection. Invalid data throws in every state: a
   * view of shared memory or of a resizable buffer throws a TypeError. A detached buffer is an empty
   * message.
   *
   * @throws TidewayError QUEUE_FULL if more than `maxQueuedBytes` would wait. The message is not queued, and
   *   waiting messages are kept
   */
  send(data: WebSocketData): void;

  /**
   * Connects again at once. An open connection is closed, and a scheduled attempt is brought forward. No
   * effect after `close`.
   */
  reconnect(): void;

  /**
   * Closes without reconnecting, in any state. No effect if called again. Without an open connection the
   * `close` event follows with the code 1006, and waiting messages are never sent.
   *
   * @throws DOMException as for a WebSocket. Before the first attempt there is no WebSocket that checks the
   *   arguments, so nothing is thrown
   */
  close(code?: number, reason?: string): void;
}

/** The class of reconnecting WebSocket clients. */
export interface ReconnectingWebSocketConstructor
  extends ReadyStateConstants, WebSocketStreamProviders {
  /**
   * Starts to connect; events follow later, never during the call.
   *
   * @param url the URL, or a function called before each attempt. If it throws, rejects or does not
   *   settle within `handshakeTimeoutMs`, the attempt fails. The first invalid URL that it returns is
   *   also printed to the console
   * @param protocols the subprotocols to offer, or a function as for `url`, or options
   * @throws UsageError for an option that is not valid
   * @throws the errors of the WebSocket class, if a URL or subprotocols given as plain values are not
   *   valid, and errors of `heartbeat`
   */
  new (
    url: ValueOrProvider<string | URL>,
    protocols?: ValueOrProvider<Protocols> | ReconnectingWebSocketOptions,
  ): ReconnectingWebSocketInstance;
  readonly prototype: ReconnectingWebSocketInstance;
  readonly reconnectingEvent: EventStreamProvider<ReconnectEvent>;
  readonly reconnectedEvent: EventStreamProvider<ReconnectEvent>;
}
