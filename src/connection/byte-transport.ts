/** What a byte transport tells its owner. */
export interface ByteTransportHandler {
  /**
   * Bytes from the peer. They are the handler's only during the call, in which it may change them.
   * Some may still come after `pause`.
   */
  onBytes(chunk: Uint8Array): void;
  /** Everything written has left for the kernel. */
  onDrain(): void;
  /** The peer has ended its side; this side may still write. */
  onEnd(): void;
  /** The transport is gone, with the error that ended it, if any; called exactly once and last. */
  onClosed(error: Error | undefined): void;
}

/** An ordered, reliable stream of bytes both ways: a TCP or TLS socket, or a pair in memory. */
export interface ByteTransport {
  /** Names the handler and begins to read. */
  start(handler: ByteTransportHandler): void;

  /**
   * Writes all of `bytes`. True if they have left for the kernel, so that the caller may use the
   * array again at once; otherwise the transport reads from it until `onDrain`, and is not given
   * more before.
   */
  write(bytes: Uint8Array): boolean;
  /**
   * How many of the bytes written have not left for the kernel, as of now. Absent, or undefined, where
   * that is not to be known before `onDrain`.
   */
  readonly unwrittenBytes?: number | undefined;

  /** Stops reading from the peer. */
  pause(): void;
  resume(): void;

  /** Ends this side once everything written has left; the peer may still write. */
  end(): void;
  /** Drops everything at once; `onClosed` follows, never during the call. */
  destroy(): void;
}
