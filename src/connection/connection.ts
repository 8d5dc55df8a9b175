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
   * The code of the peer's Close frame; 1005 if that frame had none, 1006 if no Close frame arrived (RFC 6455
   * 7.1.5).
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
 * Receives the events of a connection, synchronously, in the turn of the event loop in which the bytes
 * arrived. No method is called after `onClose`. A handler must not throw.
 */
export interface ConnectionHandler {
  /** Called with a whole text message. */
  onText(text: string): void;
  /**
   * Called with a whole binary message. The handler may keep and change the bytes. On a client, their buffer
   * contains nothing else.
   */
  onBinary(bytes: Uint8Array): void;
  /** Called instead of `onText` with the option `decodesText: false`. The handler may keep the bytes. */
  onTextBytes?(bytes: Uint8Array): void;
  /** Called instead of `onBinary` while `keepsFragments` is true, if a message has several fragments. */
  onFragments?(fragments: Uint8Array[]): void;
  /**
   * Called when no more messages follow: the peer's Close frame has arrived, or this side has failed the
   * connection with the close code of `error`.
   */
  onClosing(error?: ProtocolError): void;
  /** Called exactly once, when the connection is closed. */
  onClose(info: CloseInfo): void;
  /** Called when the kernel has accepted output that waited. `bufferedAmount` is what still waits. */
  onDrain?(): void;
  /** Called before a ping is answered. Returns whether the connection answers it. */
  answersPing?(payload: Uint8Array): boolean;
  onPing?(payload: Uint8Array): void;
  onPong?(payload: Uint8Array): void;
}

/**
 * An open WebSocket connection. Either this package does the framing over a byte transport, or the runtime
 * does the framing and delivers messages.
 */
export interface Connection {
  /** The subprotocol that the opening handshake negotiated, or the empty string. */
  readonly protocol: string;
  /** The extensions that the opening handshake negotiated, as in the header field, or the empty string. */
  readonly extensions: string;
  readonly readyState: ReadyState;
  /**
   * The number of bytes that were sent and that the kernel has not accepted yet. It includes framing.
   * Compressed messages count with their size before compression.
   */
  readonly bufferedAmount: number;
  /** The round-trip time of the latest answered ping, in milliseconds; undefined before the first answer. */
  readonly latencyMs: number | undefined;

  /**
   * The largest message to receive, in bytes over all its fragments. A larger one fails the connection with
   * 1009. A change applies from the next frame on.
   */
  maxMessageBytes: number;

  /**
   * Sets the handler and starts to read. Call it once. Messages that arrived with the opening handshake are
   * delivered after this call, never during it.
   */
  start(handler: ConnectionHandler): void;

  /**
   * Sends a text message, if the connection is open. All messages of a turn of the event loop are written at
   * once. If `mayCompress` is false (default: true), the message is not compressed even if compression was
   * negotiated.
   */
  sendText(text: string, mayCompress?: boolean): void;
  /** Like `sendText`, for a binary message. The bytes are copied before the call returns. */
  sendBinary(bytes: Uint8Array, mayCompress?: boolean): void;
  /**
   * Like `sendText`, for a message to many connections, which is compressed and framed once for all of them.
   */
  sendPrepared(message: PreparedMessage): void;
  /** Sends a ping with a payload of at most 125 bytes, if the connection is open. */
  ping(payload?: Uint8Array): void;

  /**
   * Starts the closing handshake (RFC 6455 7.1.2). A second call has no effect. `code` MUST be valid in a
   * Close frame, and `reason` MUST have at most 123 bytes of UTF-8.
   */
  close(code?: number, reason?: string): void;
  /** Closes the transport at once, without a closing handshake. `onClose` follows with 1006. */
  terminate(error?: TidewayError): void;

  /**
   * Stops the delivery of messages at once, and reading soon after. While paused, the heartbeat drops the
   * peer only if waiting output makes no progress.
   */
  pause(): void;
  resume(): void;
}

/** A connection that also sends single frames, and reports when its output was written. */
export interface FrameConnection extends Connection {
  /** Sends an unsolicited pong with a payload of at most 125 bytes, if the connection is open. */
  pong(payload: Uint8Array): void;
  /** Like `sendText`, for the UTF-8 of a text, which is copied and MUST be valid. */
  sendTextBytes(bytes: Uint8Array, mayCompress?: boolean): void;
  /**
   * Sends a fragment of a message, if the connection is open. The first fragment determines the type of the
   * message, and whether it is compressed. No other message may be sent before the final fragment.
   */
  sendFragment(
    bytes: Uint8Array,
    type: "text" | "binary",
    isFinal: boolean,
    mayCompress?: boolean,
  ): void;
  /** Sends frames that the caller has encoded, if the connection is open. They MUST be valid. */
  sendEncoded(frames: Uint8Array): void;
  /** Whether the frames that follow are masked. Initially true on a client, and false on a server. */
  set masksFrames(value: boolean);
  /** Whether the fragments of a binary message are delivered separately. Initially false. */
  set keepsFragments(value: boolean);
  /**
   * Calls back when the kernel has accepted all output so far, or with an error when the connection is closed
   * before. Call it after sending, in the same turn of the event loop. The callback must not throw.
   */
  whenWritten(callback: (error?: TidewayError) => void): void;
  /** Writes the waiting output now, instead of at the end of the turn of the event loop. */
  flush(): void;
}
