import { UsageError } from "../errors/index.ts";
import { hasMethod } from "./options.ts";
import type { TopicData } from "./publication.ts";

/** A message made once for many sockets, as by `prepare` of `tideway/server`. */
export interface SharedMessage {
  readonly data: TopicData;
}

/**
 * What topics need of a socket. `Socket` of `tideway/server` has it. Any other object that sends messages
 * can have it too.
 */
export interface TopicSocket {
  /** 1 while messages can be sent; the numbers of the WHATWG interface. */
  readonly readyState: number;
  /** The number of bytes that wait to be sent. */
  readonly bufferedAmount: number;
  /** Settles when nothing can be sent any more. */
  readonly done: Promise<unknown>;
  /**
   * Resolves when there is room to send again. Rejects when nothing can be sent any more. It MUST NOT be
   * resolved while `send` would refuse a message.
   */
  readonly drained: Promise<void>;
  /**
   * Sends a message, and MUST NOT throw. Returns false when the sender should wait for `drained`. If the
   * message was refused, `bufferedAmount` MUST stay as it was. If it was sent, but false is returned,
   * `bufferedAmount` MUST change. If the option `prepare` of `Topics` is set, `send` MUST accept what
   * `prepare` returns too.
   */
  send(data: TopicData): boolean;
  /** Closes the connection with a close code (RFC 6455 7.4) and a reason. */
  close(code: number, reason: string): void;
}

/** A socket, or an object with one as its `socket`, such as the `TypedSocket` of `tideway/server`. */
export type TopicTarget = TopicSocket | { readonly socket: TopicSocket };

/**
 * The socket to send to. Messages of topics are encoded once for all subscribers, so a `TypedSocket` must
 * not encode them again.
 *
 * @throws UsageError `INVALID_SOCKET`
 */
export function socketOf(target: TopicTarget): TopicSocket {
  const socket = hasSocket(target) ? target.socket : target;
  if (hasMethod(socket, "send")) return socket;
  throw new UsageError(
    "INVALID_SOCKET",
    "a topic needs a socket of tideway/server, or an object with the members of TopicSocket",
  );
}

function hasSocket(target: TopicTarget | undefined): target is { readonly socket: TopicSocket } {
  return (target as { socket?: unknown } | undefined)?.socket !== undefined;
}

/** One entry for each socket, since a socket can subscribe and unsubscribe many times in its life. */
const endCallbacks = new WeakMap<TopicSocket, Set<() => void>>();

/**
 * Calls back once, when `socket` is done.
 *
 * @returns a function that prevents it
 */
export function onEnd(socket: TopicSocket, callback: () => void): () => void {
  const callbacks = endCallbacks.get(socket) ?? watchEnd(socket);
  // A new function, so that the same callback can be added twice.
  const call = (): void => callback();
  callbacks.add(call);
  return () => callbacks.delete(call);
}

function watchEnd(socket: TopicSocket): Set<() => void> {
  const callbacks = new Set<() => void>();
  endCallbacks.set(socket, callbacks);
  const callAll = (): void => {
    // A callback that is added later for this socket needs a new entry.
    endCallbacks.delete(socket);
    for (const call of callbacks) call();
  };
  socket.done.then(callAll, callAll);
  return callbacks;
}
