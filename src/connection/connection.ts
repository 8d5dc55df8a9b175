import type { ProtocolError, TidewayError } from "../errors/index.ts";
import type { PreparedMessage } from "../protocol/prepared-message.ts";

/** The values of `readyState` in the WHATWG interface. */
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
   * The code of the peer's Close frame; 1005 if that frame had none, 1006 if no Close frame came
   * (RFC 6455 7.1.5).
   */
  readonly code: number;
  /** The reason in the peer's Close frame, or the empty string (RFC 6455 7.1.6). */
  readonly reason: string;
  /** Whether the closing handshake was completed before the transport closed. */
  readonly wasClean: boolean;
  /** The error with which this side or the transport failed the connection. Absent after a clean close. */
  readonly error?: TidewayError;
}

/**
 * Receives the events of a connection, synchronously, in the turn in which the bytes arrived. Nothing is
 * called after `onClose`. A handler must not throw.
 */
export interface ConnectionHandler {
  /** A whole text message. */
  onText(text: string): void;
  /**
   * A whole binary message. The handler may keep and change the bytes. On a client nothing else is in
   * their buffer.
   */
  onBinary(bytes: Uint8Array): void;
  /**
   * No more messages follow: the peer's Close frame has arrived, or this side has failed the connection
   * with the close code of `error`.
   */
  onClosing(error?: ProtocolError): void;
  /** The connection is closed. Called exactly once. */
  onClose(info: CloseInfo): void;
  /** The kernel has accepted all output that was held back. */
  onDrain?(): void;
  onPing?(payload: Uint8Array): void;
  onPong?(payload: Uint8Array): void;
}

/**
 * An open WebSocket connection. The framing is done by this package over a byte transport, or by a runtime
 * that delivers messages.
 */
export interface Connection {
  /** The subprotocol agreed in the opening handshake, or the empty string. */
  readonly protocol: string;
  /** The extensions agreed in the opening handshake as in the header field, or the empty string. */
  readonly extensions: string;
  readonly readyState: ReadyState;
  /**
   * Bytes that were sent but that the kernel has not accepted. Includes framing; compressed messages count
   * with their length before compression.
   */
  readonly bufferedAmount: number;
  /**
   * The round trip time of the latest ping that was answered, in milliseconds; undefined before the
   * first.
   */
  readonly latencyMs: number | undefined;

  /**
   * Sets the handler and starts to read. Call it once. Messages that arrived with the opening handshake
   * are delivered after it returns, never during the call.
   */
  start(handler: ConnectionHandler): void;

  /**
   * Sends a text message; ignored unless open. All messages of a turn are written at once. With
   * `mayCompress` false (default true) a message is not compressed even if compression was agreed.
   */
  sendText(text: string, mayCompress?: boolean): void;
  /** As `sendText`, for a binary message, which is copied before the call returns. */
  sendBinary(bytes: Uint8Array, mayCompress?: boolean): void;
  /** As `sendText`, for a message to many connections, which is framed and compressed once for all. */
  sendPrepared(message: PreparedMessage): void;
  /** Sends a ping of at most 125 bytes; ignored unless open. */
  ping(payload?: Uint8Array): void;

  /**
   * Starts the closing handshake (RFC 6455 7.1.2); without effect once it has begun. `code` MUST be
   * valid in a Close frame, and `reason` at most 123 bytes of UTF-8.
   */
  close(code?: number, reason?: string): void;
  /** Closes the transport at once, without a closing handshake. `onClose` follows with 1006. */
  terminate(error?: TidewayError): void;

  /**
   * Stops delivering messages, and soon reading. While paused, the heartbeat does not drop a silent peer,
   * unless the waiting output makes no progress.
   */
  pause(): void;
  resume(): void;
}
