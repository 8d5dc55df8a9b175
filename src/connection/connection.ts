import type { ProtocolError, TidewayError } from "../errors/index.ts";
import type { PreparedMessage } from "../protocol/prepared-message.ts";

/** The states of the WHATWG interface, by their numbers. */
export const ReadyState = {
  Connecting: 0,
  Open: 1,
  Closing: 2,
  Closed: 3,
} as const;

export type ReadyState = (typeof ReadyState)[keyof typeof ReadyState];

/** How a connection ended. */
export interface CloseInfo {
  /**
   * The code of the peer's Close frame; 1005 where that frame held none, 1006 where none came
   * (RFC 6455 7.1.5).
   */
  readonly code: number;
  /** The reason in the peer's Close frame, else the empty string (RFC 6455 7.1.6). */
  readonly reason: string;
  /** Whether the closing handshake was completed before the transport closed. */
  readonly wasClean: boolean;
  /** Why this side failed the connection, or why the transport did; absent after a clean close. */
  readonly error?: TidewayError;
}

/**
 * What a connection tells its owner. Every call is synchronous, on the turn in which the bytes
 * came; none is made after `onClose`. What an implementation throws is a bug of its own.
 */
export interface ConnectionHandler {
  /** A whole text message. */
  onText(text: string): void;
  /**
   * A whole binary message; the bytes belong to the receiver. On a client they are all that is in
   * their buffer.
   */
  onBinary(bytes: Uint8Array): void;
  /**
   * No more messages follow: the peer's Close frame arrived, or this side failed the connection with the
   * close code of `error`.
   */
  onClosing(error?: ProtocolError): void;
  /** The connection is over; called exactly once. */
  onClose(info: CloseInfo): void;
  /** All bytes that had been held back have left for the kernel. */
  onDrain?(): void;
  onPing?(payload: Uint8Array): void;
  onPong?(payload: Uint8Array): void;
}

/**
 * One open WebSocket connection, whoever does the framing: this project's protocol over a byte
 * transport, or a runtime that hands out messages.
 */
export interface Connection {
  /** The subprotocol agreed in the opening handshake, or the empty string. */
  readonly protocol: string;
  /** The extensions agreed in the opening handshake as in the header field, or the empty string. */
  readonly extensions: string;
  readonly readyState: ReadyState;
  /**
   * Bytes that were sent but have not left for the kernel: framing included, and messages as long
   * as they were before compression.
   */
  readonly bufferedAmount: number;
  /**
   * How long the latest ping to be answered was under way, there and back, in milliseconds;
   * undefined before the first.
   */
  readonly latencyMs: number | undefined;

  /**
   * Names the owner and lets bytes flow; to be called once. Messages that came together with the
   * opening handshake are delivered after it returns, never during the call.
   */
  start(handler: ConnectionHandler): void;

  /**
   * Sends a text message; ignored unless open. What one turn sends leaves in one write. Where
   * compression is agreed upon, `mayCompress`, by default true, can except a message from it.
   */
  sendText(text: string, mayCompress?: boolean): void;
  /** As `sendText`, a binary message, which is copied before the call returns. */
  sendBinary(bytes: Uint8Array, mayCompress?: boolean): void;
  /** As `sendText`, a message that other connections send too: what can be is done once for all. */
  sendPrepared(message: PreparedMessage): void;
  /** Sends a ping of at most 125 bytes; ignored unless open. */
  ping(payload?: Uint8Array): void;

  /**
   * Starts the closing handshake (RFC 6455 7.1.2); without effect once it has begun. `code` MUST be
   * one that may stand in a Close frame, and `reason` at most 123 bytes of UTF-8.
   */
  close(code?: number, reason?: string): void;
  /** Drops the transport at once, without a closing handshake; `onClose` follows with 1006. */
  terminate(error?: TidewayError): void;

  /**
   * Stops delivering messages, and soon reading. A paused connection is not taken for dead, unless
   * what it has to send does not get away.
   */
  pause(): void;
  resume(): void;
}
