import { UsageError } from "../errors/index.ts";
import type { TopicData } from "./publication.ts";

/** A message made for many sockets, as by `prepare` of `tideway/server`. */
export interface SharedMessage {
  readonly data: TopicData;
}

/**
 * What a topic needs of a socket. `Socket` of `tideway/server` has it, and so can anything that
 * carries messages.
 */
export interface TopicSocket {
  /** 1 while messages can be sent; the numbers of the WHATWG interface. */
  readonly readyState: number;
  /** Bytes that wait. */
  readonly bufferedAmount: number;
  /** Settles when no more can ever be sent. */
  readonly done: Promise<unknown>;
  /**
   * Resolves once it makes sense to send again, and rejects when no more can be sent. It MUST NOT
   * be resolved where `send` would refuse the message.
   */
  readonly drained: Promise<void>;
  /**
   * Sends a message, and MUST NOT throw. Returns false when it is time to wait for `drained`. A
   * message that is refused instead of sent MUST leave `bufferedAmount` as it was, and one that is
   * sent before false is returned MUST change it. Where `prepare` of `Topics` is set, it MUST take
   * what that returns too.
   */
  send(data: TopicData): boolean;
  close(code: number, reason: string): void;
}

/** A socket, or what stands on one, as the `TypedSocket` of `tideway/server` does. */
export type TopicTarget = TopicSocket | { readonly socket: TopicSocket };

/**
 * The socket to send to: what a topic sends is encoded already, once for all its subscribers.
 *
 * @throws UsageError `INVALID_SOCKET`
 */
export function socketOf(target: TopicTarget): TopicSocket {
  const socket = isOnSocket(target) ? target.socket : target;
  if (typeof (socket as TopicSocket | undefined)?.send === "function") return socket;
  throw new UsageError("INVALID_SOCKET", "what a topic is given is a socket, or stands on one");
}

function isOnSocket(target: TopicTarget | undefined): target is { readonly socket: TopicSocket } {
  return (target as { socket?: unknown } | undefined)?.socket !== undefined;
}
