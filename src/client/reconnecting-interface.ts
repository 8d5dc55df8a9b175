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

/** The timer functions that a `ReconnectingWebSocket` uses, such as `globalThis`. */
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
 * A function that watches one connection, from the creation of its WebSocket to its `close` event. If the
 * server does not answer, it dispatches the `close` event itself. It returns a function that checks the
 * connection at once.
 */
export type Heartbeat = (socket: HeartbeatSocket, timers: Timers) => () => void;

/** A function that decides what to do after a connection has ended or an attempt has failed. */
export type DecideReconnect = (
  close: Pick<WebSocketCloseEvent, "code" | "reason" | "wasClean" | "error">,
) => ReconnectDecision;

/** The options of a `ReconnectingWebSocket`. */
export interface ReconnectingWebSocketOptions {
  /** The subprotocols to offer, or a function that returns them before each attempt. Default: none. */
  readonly protocols?: ValueOrProvider<Protocols>;
  /**
   * The options of each WebSocket, or a function that returns them before each attempt, for example to send a
   * fresh token in `headers`. Default: none.
   */
  readonly webSocketOptions?: ValueOrProvider<Omit<WebSocketOptions, "protocols">>;
  /**
   * Detects a lost connection that has no `close` event yet. Create it with `heartbeat`. (In Node.js, a
   * `WebSocket` can send pings instead: pass `heartbeat` in `webSocketOptions`.) If it throws, the attempt
   * fails. Default: none.
   */
  readonly heartbeat?: Heartbeat;
  /**
   * The maximum delay before the first retry, in milliseconds. It doubles with each further retry, and the
   * actual delay is a random part of it. Default: 2,000.
   */
  readonly initialDelayMs?: number;
  /** The delay doubles up to this maximum, in milliseconds. Default: 30,000. */
  readonly maxDelayMs?: number;
  /**
   * How long a connection must stay open, in milliseconds, before the delay starts again at `initialDelayMs`.
   * If it is too short, the client reconnects every two seconds to a server that accepts and then drops every
   * connection. Default: 5,000.
   */
  readonly stableAfterMs?: number;
  /**
   * How long, in milliseconds, the `url`, `protocols` and `webSocketOptions` functions may take to settle,
   * and then how long the connection may take to open. After that the attempt fails; the `error` event has an
   * error with the code HANDSHAKE_TIMEOUT. In Node.js, `handshakeTimeoutMs` in `webSocketOptions` overrides
   * the time to open. Default: 10,000.
   */
  readonly handshakeTimeoutMs?: number;
  /**
   * The maximum number of payload bytes that may wait for a connection; see `send`. Each message that waits
   * already counts as 64 bytes more. Default: 1,048,576 (1 MiB).
   */
  readonly maxQueuedBytes?: number;
  /**
   * Decides, synchronously, whether to reconnect after a connection has closed or an attempt has failed. If
   * it throws, or does not return a `ReconnectDecision`, the socket dispatches an `error` event and stops.
   * Default: `decideReconnect`.
   */
  readonly decide?: DecideReconnect;
  /** Returns a number from 0 to 1, which randomizes the delay. Default: `Math.random`. */
  readonly random?: () => number;
  /** The timer functions, for tests. Default: `globalThis`. */
  readonly timers?: Timers;
}

/** The event when an attempt is scheduled (`reconnecting`), and when it has succeeded (`reconnected`). */
export interface ReconnectEvent extends Event {
  /** The number of the attempt: 1 for the first attempt since the last stable connection. */
  readonly attempt: number;
  /** How long this attempt waits, or has waited, in milliseconds. */
  readonly delayMs: number;
  /** The close code of the previous connection; 1006 if there was none. */
  readonly code: number;
  /** The close reason of the previous connection, or the empty string. */
  readonly reason: string;
}

/** The events of a `ReconnectingWebSocket`, by type. */
export interface ReconnectingEventMap extends WebSocketEventMap {
  reconnecting: ReconnectEvent;
  reconnected: ReconnectEvent;
}

/**
 * A WebSocket that reconnects automatically. It has the interface of a WebSocket, with these differences:
 *
 * - `open` is dispatched for each connection. Messages that its listeners send are sent first, followed by
 *   the messages that waited for the connection. From the second connection on, `reconnected` follows.
 * - `error` is dispatched for each failure, and `reconnecting` when a new attempt is scheduled.
 * - `close` is dispatched once, when no attempt follows: after `close()`, or when `decide` returns `"stop"`.
 *   By default, these close codes stop it: 1000, 1002, 1003, 1007, 1008, 1009, 1010, 3000 and 3003. In
 *   Node.js, so do these HTTP statuses: 400, 401, 403, 405, 410 and 426. A 404 does not, because a proxy or
 *   server that is being deployed may lack the path for a while. It also stops, without a call of `decide`,
 *   when the `signal` in `webSocketOptions` has aborted, unless `webSocketOptions` is a function.
 * - In Node.js, a 429 or 503 with `Retry-After` delays the next attempt by that time, at most five minutes.
 * - `readyState` is CONNECTING between connections.
 * - In a page, an attempt starts at once when the page goes online or becomes visible. It replaces an attempt
 *   that is older than two seconds. It does not shorten a delay for which `decide` returned `"retry-later"`
 *   or a number. If the connection is open, the heartbeat, if there is one, checks it at that moment. While
 *   the page is hidden, attempts wait for at least half of `maxDelayMs`.
 * - While `navigator.onLine` is false, attempts continue, each after `maxDelayMs`, because a local server may
 *   still be reachable. `reconnect()` always tries at once.
 * - A message that was passed to a connection before the connection broke is not sent again, because it may
 *   have arrived.
 */
export interface ReconnectingWebSocketInstance
  extends TypedEventTarget<ReconnectingEventMap>, ReadyStateConstants, WebSocketStreams {
  /** The URL of the current or latest connection; empty before the first. */
  readonly url: string;
  readonly readyState: number;
  /**
   * The options. Assign a whole new object to change them at any time. Each option applies from its next use.
   *
   * @throws UsageError `INVALID_OPTION` for an invalid limit; the options then stay as they were
   */
  options: ReconnectingWebSocketOptions;
  /**
   * The number of payload bytes that wait for a connection, or that the current connection has not sent yet.
   */
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
   * Sends a message, or keeps a copy of it for the next connection. Invalid data throws a TypeError in every
   * state: a view of shared memory, or of a resizable buffer. A detached buffer becomes an empty message.
   *
   * @throws TidewayError `QUEUE_FULL` if more than `maxQueuedBytes` bytes would wait; the message is not
   *   queued, and the waiting messages are kept
   */
  send(data: WebSocketData): void;

  /**
   * Connects again at once. Closes an open connection, and does not wait for a scheduled attempt. Has no
   * effect after `close`, or while an attempt is about to start without a delay. A call by `decide` takes
   * precedence over the decision that it returns.
   */
  reconnect(): void;

  /**
   * Closes the connection and does not reconnect, in any state, also when `decide` calls it. A second call
   * has no effect. Without an open connection, the `close` event follows with the code 1006, and waiting
   * messages are never sent.
   *
   * @throws DOMException for invalid arguments, as in `WebSocket.close`. Before the first attempt there is no
   *   WebSocket that could check the arguments, so it does not throw
   */
  close(code?: number, reason?: string): void;
}

/** The class of reconnecting WebSocket clients. */
export interface ReconnectingWebSocketConstructor
  extends ReadyStateConstants, WebSocketStreamProviders {
  /**
   * Starts to connect. Events follow later, never during the call.
   *
   * @param url the URL, or a function that is called before each attempt. If it throws, rejects or does not
   *   settle within `handshakeTimeoutMs`, the attempt fails. The error for the first invalid URL that it
   *   returns is also printed to the console
   * @param protocols the subprotocols to offer, or a function as for `url`, or options
   * @throws UsageError `INVALID_OPTION` for an invalid option
   * @throws the errors of the WebSocket constructor, if the URL, the subprotocols or the WebSocket options
   *   are plain values and invalid, and the error that `heartbeat` throws
   */
  new (
    url: ValueOrProvider<string | URL>,
    protocols?: ValueOrProvider<Protocols> | ReconnectingWebSocketOptions,
  ): ReconnectingWebSocketInstance;
  readonly prototype: ReconnectingWebSocketInstance;
  readonly reconnectingEvent: EventStreamProvider<ReconnectEvent>;
  readonly reconnectedEvent: EventStreamProvider<ReconnectEvent>;
}
