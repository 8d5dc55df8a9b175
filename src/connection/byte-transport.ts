/** Receives the events of a byte transport. */
export interface ByteTransportHandler {
  /**
   * Called with bytes from the peer. The handler may use and change them only during the call. A few more
   * bytes may arrive after `pause`.
   */
  onBytes(chunk: Uint8Array): void;
  /** Called when the kernel has accepted everything that was written. */
  onDrain(): void;
  /** Called when the peer has ended its side. This side may still write. */
  onEnd(): void;
  /**
   * Called when the transport is closed, with the error that closed it, if any. Called exactly once, as the
   * last event.
   */
  onClosed(error: Error | undefined): void;
}

/** An ordered, reliable stream of bytes in both directions, such as a TCP or TLS socket. */
export interface ByteTransport {
  /** Sets the handler and starts to read. */
  start(handler: ByteTransportHandler): void;

  /**
   * Writes all of `bytes`. Returns true if the kernel has accepted them, so that the caller may reuse the
   * array at once. Otherwise, the transport reads from the array until `onDrain`, and the caller must not
   * write again before that. If the write fails, it returns false, and `onClosed` follows without `onDrain`.
   */
  write(bytes: Uint8Array): boolean;
  /**
   * The number of written bytes that the kernel has not accepted yet. Absent or undefined if the transport
   * does not know it before `onDrain`.
   */
  readonly unwrittenBytes?: number | undefined;

  /** Stops reading from the peer. */
  pause(): void;
  resume(): void;

  /** Ends this side after all written bytes have been sent. The peer may still write. */
  end(): void;
  /** Closes both sides and drops the output. `onClosed` follows, never during the call. */
  destroy(): void;
}
