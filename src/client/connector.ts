import type { Connection } from "../connection/connection.ts";
import type { TidewayError } from "../errors/index.ts";
import type { ResolvedOptions } from "./options.ts";

/** The server to connect to, and the options of the connection. */
export interface ConnectRequest {
  /** Its scheme is `ws:`, `wss:`, `ws+unix:` or `wss+unix:`, and it has no fragment. */
  readonly url: URL;
  /** Valid subprotocols, without duplicates, in order of preference. */
  readonly protocols: readonly string[];
  /** Validated options, with all defaults filled in. */
  readonly options: ResolvedOptions;
}

/**
 * Receives the outcome of an attempt. Exactly one of the two methods is called, once, and never
 * synchronously.
 */
export interface ConnectHandler {
  /**
   * The opening handshake has succeeded. `readHeaders` returns the header fields of the response. The
   * connection delivers nothing before its `start` is called.
   */
  onOpen(connection: Connection, readHeaders?: () => Headers): void;
  onFailed(error: TidewayError): void;
}

export interface ConnectAttempt {
  /** Cancels the attempt and releases its resources. The handler is not called again. */
  abort(): void;
}

/** Connects to a server. Each runtime implements this function for the WebSocket classes. */
export type Connector = (request: ConnectRequest, handler: ConnectHandler) => ConnectAttempt;
