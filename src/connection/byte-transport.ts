/** Receives the events of a byte transport. */
export interface ByteTransportHandler {
  /**
   * Bytes from the peer. The handler may use and change them only during the call. Some may still come
   * after `pause`.
   */
  onBytes(chunk: Uint8Array): void;
  /** The kernel has accepted everything that was written. */
  onDrain(): void;
  /** The peer has ended its side; this side may still write. */
  onEnd(): void;
  /** The transport is closed, with the error that closed it, if any. Called exactly once and last. */
  onClosed(error: Error | undefined): void;
}

/** An ordered, reliable stream of bytes in both directions, such as a TCP or TLS socket. */
export interface ByteTransport {
  /** Sets the handler and starts to read. */
  start(handler: ByteTransportHandler): void;

  /**
   * Writes all of `bytes`. Returns true if the kernel has accepted them, so that the caller may reuse the
   * array at once. Otherwise the transport reads from it until `onDrain`; until then the caller writes
   * nothing more.
   */
  write(bytes: Uint8Array): boolean;
  /**
   * Bytes written that the kernel has not accepted yet. Absent or undefined if the transport cannot tell
   * before `onDrain`.
   */
  readonly unwrittenBytes?: number | undefined;

  /** Stops reading from the peer. */
  pause(): void;
  resume(): void;

  /** Ends this side after everything that was written. The peer may still write. */
  end(): void;
  /** Closes both sides and drops the output. `onClosed` follows, never during the call. */
  destroy(): void;
}
