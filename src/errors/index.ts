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
  declare readonly code: string;
  /** The close code (RFC 6455 7.4) that goes with this error, where one applies. */
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

/** The transport failed: a reset, a TLS error or a timeout. `cause` is the transport's error. */
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

/** Which side closed a connection; `transport` if neither did and the transport failed. */
export type ClosedBy = "local" | "peer" | "transport";

/** The properties of a {@link ConnectionClosedError}. */
export interface ConnectionClosedDetails {
  /** The close code, 1005 and 1006 included (RFC 6455 7.1.5). */
  readonly closeCode: number;
  /** The peer's reason, or the empty string. */
  readonly reason: string;
  readonly wasClean: boolean;
  /**
   * The side that closed. In a browser it is always `peer` after a clean close, because browsers do not
   * report the side.
   */
  readonly closedBy: ClosedBy;
  readonly cause?: unknown;
  /** The HTTP status with which a server refused the opening handshake, if it did. */
  readonly status?: number;
  /** The message of `describeEnd`, which is safe to print to a terminal. */
  readonly message?: string;
}

/**
 * Code `CONNECTION_CLOSED`: the connection has ended, or could not be opened. `closeCode` and `reason` are
 * the code and reason of the close. `cause` is the error of the transport or of the opening handshake.
 */
export class ConnectionClosedError extends TidewayError {
  /** The close code, 1005 and 1006 included (RFC 6455 7.1.5). */
  declare readonly closeCode: number;
  /** The reason in the peer's Close frame, or the empty string. */
  declare readonly reason: string;
  /** Whether the closing handshake was completed. */
  declare readonly wasClean: boolean;
  declare readonly closedBy: ClosedBy;
  /** The HTTP status with which a server refused the opening handshake, if it did. */
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
 * The broker behind topics failed. The codes:
 *
 * - `BROKER_UNAVAILABLE`: the broker cannot be reached.
 * - `BROKER_TIMEOUT`: the broker does not answer in time.
 * - `BROKER_REFUSED`: the broker answers with an error.
 * - `BROKER_ANSWER_INVALID`: the answer of the broker is not valid.
 * - `BROKER_CLOSED`: this process has closed the broker.
 * - `TOPICS_FULL`: `maxTopics` topics are in use.
 *
 * The broker may have completed the operation all the same, except with `TOPICS_FULL`.
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
