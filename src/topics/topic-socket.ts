import { UsageError } from "../errors/index.ts";
import { hasMethod } from "./options.ts";
import type { TopicData } from "./publication.ts";

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

/** The callbacks of each socket. All subscriptions of a socket share one entry. */
const endCallbacks = new WeakMap<TopicSocket, Set<(info: unknown) => void>>();

/**
 * Calls back once when `socket` has ended, with the value of `done`.
 *
 * @returns a function that prevents the call
 */
export function onEnd(socket: TopicSocket, callback: (info: unknown) => void): () => void {
  const { done } = socket;
  if (done === undefined) return doNothing;
  const callbacks = endCallbacks.get(socket) ?? watchEnd(socket, done);
  // A new function, so that the same callback can be added twice.
  const call = (info: unknown): void => callback(info);
  callbacks.add(call);
  return () => callbacks.delete(call);
}

function doNothing(): void {}

function watchEnd(socket: TopicSocket, done: Promise<unknown>): Set<(info: unknown) => void> {
  const callbacks = new Set<(info: unknown) => void>();
  endCallbacks.set(socket, callbacks);
  const callAll = (info?: unknown): void => {
    // If a callback is added later, it needs a new entry.
    endCallbacks.delete(socket);
    for (const call of callbacks) call(info);
  };
  done.then(callAll, () => callAll());
  return callbacks;
}
