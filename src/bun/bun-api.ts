/**
 * The part of Bun's interface that this package uses. The types of Bun would replace the types of Node.js in the
 * whole program.
 */

/** Bun's side of a WebSocket. */
export interface BunSocket {
  /** The value that `upgrade` got. */
  data: BunSocketData;
  binaryType: "arraybuffer" | "uint8array" | "nodebuffer";
  /**
   * Returns the number of bytes sent, -1 if the message waits for the peer, or 0 if it was dropped because the
   * connection is closed.
   */
  send(message: string | Uint8Array): number;
  ping(payload: Uint8Array): number;
  close(code: number, reason: string): void;
  terminate(): void;
  /** Calls back, and writes all messages that are sent during the call at once. */
  cork(callback: () => void): void;
  /** The number of bytes that the kernel has not accepted. */
  getBufferedAmount(): number;
}

/** Receives the events of one WebSocket. */
export interface BunSocketData {
  onOpen(socket: BunSocket): void;
  onMessage(message: string | Uint8Array): void;
  /** Called when the kernel has accepted some of the output that waited. */
  onDrain(): void;
  /**
   * Called when the connection has ended, also during `close` and `terminate` of the socket.
   *
   * @param code the code of the peer's Close frame, or of `close`; 1006 if there was none
   * @param reason the reason in that frame; with 1006, why Bun has closed the connection
   */
  onClose(code: number, reason: string): void;
  /** Called with a ping, which Bun answers itself. */
  onPing(payload: Uint8Array): void;
  onPong(payload: Uint8Array): void;
}

export interface BunHttpServer {
  readonly port: number;
  /** The number of requests without a complete response. */
  readonly pendingRequests: number;
  readonly pendingWebSockets: number;
  /** Returns null if the client has disconnected. */
  requestIP(request: Request): { readonly address: string } | null;
  /**
   * Sets how many seconds the connection of a request may be idle, from 1 to 255; 0 for no limit. It applies to
   * later requests too.
   */
  timeout(request: Request, seconds: number): void;
  /** Accepts a handshake. Returns false if the request is not a valid one, or the client has disconnected. */
  upgrade(
    request: Request,
    options: { readonly data: BunSocketData; readonly headers: Headers },
  ): boolean;
  /**
   * Stops listening, and closes connections without a request. Resolves when all requests and WebSockets have
   * ended.
   *
   * @param isForced whether to drop the others too
   */
  stop(isForced?: boolean): Promise<void>;
}

interface BunRuntimeTls {
  readonly cert: string | Uint8Array;
  readonly key: string | Uint8Array;
  readonly passphrase?: string;
}

export interface BunRuntimeOptions {
  readonly port: number;
  readonly hostname?: string;
  readonly reusePort: boolean;
  readonly tls?: BunRuntimeTls;
  /** Seconds. */
  readonly idleTimeout: number;
  readonly maxRequestBodySize: number;
  fetch(request: Request, server: BunHttpServer): FetchResult | Promise<FetchResult>;
  error(error: unknown): Response;
  readonly websocket: BunWebSocketOptions;
}

/** Undefined after `upgrade` has accepted the request. */
export type FetchResult = Response | undefined;

export interface BunWebSocketOptions {
  readonly perMessageDeflate: boolean;
  readonly maxPayloadLength: number;
  /** Seconds; 0 for no timeout. */
  readonly idleTimeout: number;
  readonly sendPings: boolean;
  readonly backpressureLimit: number;
  readonly closeOnBackpressureLimit: boolean;
  open(socket: BunSocket): void;
  message(socket: BunSocket, message: string | Uint8Array): void;
  drain(socket: BunSocket): void;
  close(socket: BunSocket, code: number, reason: string): void;
  ping(socket: BunSocket, payload: Uint8Array): void;
  pong(socket: BunSocket, payload: Uint8Array): void;
}

/** The global object `Bun`. */
export interface BunRuntime {
  serve(options: BunRuntimeOptions): BunHttpServer;
}
