/**
 * The errors of every layer. One root class carries a stable `code`, so that a program can tell
 * errors apart without reading their messages.
 */

export interface TidewayErrorOptions {
  /** The close code (RFC 6455 7.4) that goes with this error, where one applies. */
  readonly closeCode?: number;
  /** The error that led to this one. */
  readonly cause?: unknown;
}

/** The root of all errors of this package. */
export class TidewayError extends Error {
  /** A stable name for this kind of error, such as `MESSAGE_TOO_BIG`. */
  readonly code: string;
  /** The close code (RFC 6455 7.4) that goes with this error, where one applies. */
  readonly closeCode: number | undefined;

  constructor(code: string, message: string, options: TidewayErrorOptions = {}) {
    super(message, "cause" in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.closeCode = options.closeCode;
  }

  static {
    this.prototype.name = "TidewayError";
  }
}

/** The caller used the API wrongly; thrown at once, and nothing has been changed. */
export class UsageError extends TidewayError {
  static {
    this.prototype.name = "UsageError";
  }
}

/** The peer broke the protocol (RFC 6455 or RFC 7692); the connection is failed with `closeCode`. */
export class ProtocolError extends TidewayError {
  static {
    this.prototype.name = "ProtocolError";
  }
}

/** The bytes below the protocol failed: a reset, a TLS error, a timeout; the reason is `cause`. */
export class TransportError extends TidewayError {
  static {
    this.prototype.name = "TransportError";
  }
}

/** The opening handshake (RFC 6455 4) did not end in a connection. */
export class HandshakeError extends TidewayError {
  static {
    this.prototype.name = "HandshakeError";
  }
}
