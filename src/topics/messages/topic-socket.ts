import { UsageError } from "../../errors/index.ts";
import { hasMethod } from "../broker/check-options.ts";
import type { TopicData } from "../broker/publication.ts";

/**
 * A message that is prepared once for many sockets, such as the result of `prepare` from `tideway/server`.
 */
export interface SharedMessage {
  /** The text or bytes of the message. */
  readonly data: TopicData;
}

/**
 * The properties of a socket that topics use. A `Socket` of `tideway/server` has them. To subscribe other
 * objects that send messages, implement this interface.
 */
export interface TopicSocket {
  /** The state of the connection, as in the WHATWG interface: 1 while it can send messages. */
  readonly readyState: number;
  /** The number of bytes that wait to be sent. */
  readonly bufferedAmount: number;
  /**
   * Settles when the connection has ended. Without it, the code that subscribes the socket must call
   * `unsubscribe` and `leave` at the end.
   */
  readonly done?: Promise<unknown> | undefined;
  /**
   * Resolves when there is room to send again. Rejects when the connection has ended. It MUST NOT resolve
   * while `send` would refuse a message.
   */
  readonly drained: Promise<void>;
  /**
   * Sends a message, and MUST NOT throw. Returns false if the sender should wait for `drained`. If it
   * refuses the message, `bufferedAmount` MUST NOT change. If it sends the message and returns false,
   * `bufferedAmount` MUST change. With the option `prepare` of `Topics`, `send` MUST accept the results of
   * `prepare` too, and otherwise the shared messages that `encode` returns.
   */
  send(data: TopicData): boolean;
  /** Closes the connection with a close code (RFC 6455 7.4) and a reason. */
  close(code: number, reason: string): void;
}

/** A socket, or an object with a property `socket` that is one, such as a `TypedSocket`. */
export type TopicTarget = TopicSocket | { readonly socket: TopicSocket };

/**
 * Returns the socket to send to. Topics encode messages once for all subscribers, so a `TypedSocket` must not
 * encode them again.
 *
 * @throws UsageError `INVALID_SOCKET`
 */
export function socketOf(target: TopicTarget): TopicSocket {
  const socket = hasSocket(target) ? target.socket : target;
  if (hasMethod(socket, "send")) return socket;
  throw new UsageError(
    "INVALID_SOCKET",
    "the first argument is not a socket; pass a socket of tideway/server, or an object with the properties of TopicSocket",
  );
}

function hasSocket(target: TopicTarget | undefined): target is { readonly socket: TopicSocket } {
  return (target as { socket?: unknown } | undefined)?.socket !== undefined;
}

/** Gets the end of a socket. */
export interface SocketEndListener {
  /** Called once. @param info the value of `done`; undefined if it rejected */
  onSocketEnd(info: unknown): void;
}

/** The listeners of each socket. All subscriptions of a socket share one entry. */
const endListeners = new WeakMap<TopicSocket, Set<SocketEndListener>>();

/** Calls `listener` when `socket` has ended, unless {@link unwatchEnd} is called before. */
export function watchEnd(socket: TopicSocket, listener: SocketEndListener): void {
  const { done } = socket;
  if (done === undefined) return;
  const listeners = endListeners.get(socket) ?? watchDone(socket, done);
  listeners.add(listener);
}

export function unwatchEnd(socket: TopicSocket, listener: SocketEndListener): void {
  endListeners.get(socket)?.delete(listener);
}

function watchDone(socket: TopicSocket, done: Promise<unknown>): Set<SocketEndListener> {
  const listeners = new Set<SocketEndListener>();
  endListeners.set(socket, listeners);
  const tellAll = (info?: unknown): void => {
    // If a listener is added later, it needs a new entry.
    endListeners.delete(socket);
    for (const listener of listeners) listener.onSocketEnd(info);
  };
  done.then(tellAll, () => tellAll());
  return listeners;
}
