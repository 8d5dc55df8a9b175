/** Options of the constructor of {@link TidewayError}. */
export interface TidewayErrorOptions {
  /** The close code (RFC 6455 7.4) of the connection, if the error closes one. */
  readonly closeCode?: number;
  /** The error that led to this one. */
  readonly cause?: unknown;
}

/** The base class of all errors of this package. Check `code` to tell errors apart; messages may change. */
export class TidewayError extends Error {
  /** A stable code for this kind of error, such as `MESSAGE_TOO_BIG`. */
  declare readonly code: string;
  /** The close code (RFC 6455 7.4) of the connection, if the error closes one. */
  declare readonly closeCode: number | undefined;

  constructor(code: string, message: string, options?: TidewayErrorOptions) {
    super(message, options);
    this.code = code;
    this.closeCode = options?.closeCode;
  }

  override get name(): string {
    return "TidewayError";
  }
}

/** The caller misused the API. The call throws at once and changes nothing. */
export class UsageError extends TidewayError {
  override get name(): string {
    return "UsageError";
  }
}

/** The peer violated the protocol (RFC 6455 or RFC 7692). The connection fails with `closeCode`. */
export class ProtocolError extends TidewayError {
  override get name(): string {
    return "ProtocolError";
  }
}

/**
 * The transport failed: a connection reset, a TLS error or a timeout. `cause` is the transport's error, if
 * there is one.
 */
export class TransportError extends TidewayError {
  override get name(): string {
    return "TransportError";
  }
}

/** The opening handshake (RFC 6455 4) failed. */
export class HandshakeError extends TidewayError {
  override get name(): string {
    return "HandshakeError";
  }
}

/** Which side closed a connection; `"transport"` if the transport failed and neither side closed it. */
export type ClosedBy = "local" | "peer" | "transport";

/** The properties of a {@link ConnectionClosedError}. */
export interface ConnectionClosedDetails {
  /** The close code, which may also be 1005 or 1006 (RFC 6455 7.1.5). */
  readonly closeCode: number;
  /** The peer's reason, or the empty string. */
  readonly reason: string;
  readonly wasClean: boolean;
  /**
   * The side that closed the connection. In a browser it is always `"peer"` after a clean close, because
   * browsers do not report the side.
   */
  readonly closedBy: ClosedBy;
  readonly cause?: unknown;
  /** The HTTP status of the response, if the server refused the opening handshake. */
  readonly status?: number;
  /** The error message. Default: a message with the close code and reason. */
  readonly message?: string;
}

/**
 * Code `CONNECTION_CLOSED`: the connection has ended, or could not be opened. `closeCode` and `reason` are
 * the code and reason of the close. `cause` is the error of the transport or of the opening handshake.
 */
export class ConnectionClosedError extends TidewayError {
  /** The close code, which may also be 1005 or 1006 (RFC 6455 7.1.5). */
  declare readonly closeCode: number;
  /** The reason in the peer's Close frame, or the empty string. */
  declare readonly reason: string;
  /** Whether the closing handshake was completed. */
  declare readonly wasClean: boolean;
  declare readonly closedBy: ClosedBy;
  /** The HTTP status of the response, if the server refused the opening handshake. */
  declare readonly status?: number;

  constructor(details: ConnectionClosedDetails) {
    const { closeCode, reason, message = `closed with ${closeCode} ${reason}` } = details;
    super("CONNECTION_CLOSED", message, details);
    Object.assign(this, details);
  }

  override get name(): string {
    return "ConnectionClosedError";
  }
}

/**
 * A broker of topics failed. The codes:
 *
 * - `BROKER_UNAVAILABLE`: the broker cannot be reached.
 * - `BROKER_TIMEOUT`: the broker does not answer in time.
 * - `BROKER_REFUSED`: the broker answers with an error.
 * - `BROKER_ANSWER_INVALID`: the broker's answer is invalid.
 * - `BROKER_CLOSED`: this process has closed the broker.
 * - `TOPICS_FULL`: `maxTopics` topics are in use.
 *
 * Except with `TOPICS_FULL`, the broker may have completed the operation.
 */
export class BrokerError extends TidewayError {
  /** Whether the same call may succeed later. */
  readonly isRetryable: boolean;

  constructor(
    code:
      | "BROKER_UNAVAILABLE"
      | "BROKER_TIMEOUT"
      | "BROKER_REFUSED"
      | "BROKER_ANSWER_INVALID"
      | "BROKER_CLOSED"
      | "TOPICS_FULL",
    message: string,
    options: TidewayErrorOptions = {},
  ) {
    super(code, message, options);
    this.isRetryable = code === "BROKER_UNAVAILABLE" || code === "BROKER_TIMEOUT";
  }

  override get name(): string {
    return "BrokerError";
  }
}
