import type { ClientRequest } from "node:http";
import type { RequestOptions } from "node:https";
import type { createConnection } from "node:net";
import type { PeerCertificate } from "node:tls";
import { invalidOption, MAX_DELAY_MS } from "../errors/check-options.ts";
import {
  checkDeflateOptions,
  type PerMessageDeflateOptions,
} from "./extensions/deflate-options.ts";
import { checkCommonOptions, type CommonOptions } from "./socket/socket-options.ts";
import type { WebSocket } from "./web-socket.ts";
import type { CreateConnection } from "./client/create-connection.ts";
import type { ForwardedOptions, HandshakeOptions } from "./client/handshake-options.ts";

type HttpOptions = Omit<RequestOptions, "checkServerIdentity" | "createConnection">;

/** One or several certificates. */
export type CertMeta = string | string[] | Buffer | Buffer[];

/** Declared as methods, so that TypeScript accepts callbacks for the types of `ws` and of Node.js. */
interface Callbacks {
  checkServerIdentity(
    this: void,
    hostname: string,
    certificate: PeerCertificate | CertMeta,
  ): Error | boolean | undefined;
  finishRequest(this: void, request: ClientRequest, webSocket: WebSocket): void;
}

/**
 * The options of a client, together with all other options of `http.request` and `https.request`. The host,
 * the port, the path and the Unix socket in the URL take precedence over options.
 */
export interface ClientOptions extends HttpOptions, CommonOptions {
  /** Called with the host and the certificate of the server. An error that it returns ends the handshake. */
  checkServerIdentity?: Callbacks["checkServerIdentity"] | undefined;
  /** Opens the byte stream to the server. Default: `net.connect` or `tls.connect`. */
  createConnection?: CreateConnection | typeof createConnection | undefined;
  /**
   * Called with each request before it is sent, to add headers. It must call `request.end()`.
   * Default: requests are sent at once.
   */
  finishRequest?: Callbacks["finishRequest"] | undefined;
  /** Whether to follow redirects. Default: false. */
  followRedirects?: boolean | undefined;
  /** Fills a buffer with the masking key of the next frame. Default: random bytes. */
  generateMask?: ((mask: Buffer) => void) | undefined;
  /**
   * How long the server may take to answer each request of the handshake, in milliseconds. Default: no
   * limit.
   */
  handshakeTimeout?: number | undefined;
  /** The maximum number of redirects. Default: 10. */
  maxRedirects?: number | undefined;
  /** The `Origin` header, or `Sec-WebSocket-Origin` with `protocolVersion` 8. Default: none. */
  origin?: string | undefined;
  /** Whether to offer compression, or its options. Default: true. */
  perMessageDeflate?: boolean | PerMessageDeflateOptions | undefined;
  /** The subprotocols to offer, if no argument of `new WebSocket` names them. Default: none. */
  protocols?: string | readonly string[] | undefined;
  /** The `Sec-WebSocket-Version` header: 8 or 13. Default: 13. */
  protocolVersion?: number | undefined;
}

/** The callback of the option `finishRequest`. */
export type FinishRequestCallback = NonNullable<ClientOptions["finishRequest"]>;

const SUPPORTED_VERSIONS: readonly number[] = [8, 13];

/**
 * Fills in the defaults.
 *
 * @throws RangeError if `protocolVersion` is not supported
 * @throws UsageError `INVALID_OPTION`
 */
export function resolveHandshakeOptions(options: ClientOptions): HandshakeOptions<WebSocket> {
  const { protocolVersion = 13, perMessageDeflate = true, followRedirects = false } = options;
  if (!SUPPORTED_VERSIONS.includes(protocolVersion)) {
    throw new RangeError(
      `Unsupported protocol version: ${String(protocolVersion)} ` +
        `(supported versions: ${SUPPORTED_VERSIONS.join(", ")})`,
    );
  }
  checkCommonOptions(options);
  return {
    // JavaScript programs may pass null.
    finishRequest: options.finishRequest ?? undefined,
    followRedirects: Boolean(followRedirects),
    handshakeTimeout: readTimeout(options.handshakeTimeout),
    maxRedirects: readMaxRedirects(options.maxRedirects),
    perMessageDeflate: readDeflateOptions(perMessageDeflate),
    protocolVersion,
    forwarded: options as ForwardedOptions,
  };
}

function readDeflateOptions(
  option: boolean | PerMessageDeflateOptions,
): PerMessageDeflateOptions | undefined {
  if (typeof option !== "object" || option === null) return option ? {} : undefined;
  checkDeflateOptions(option);
  return option;
}

function readTimeout(timeout: number | null | undefined): number | undefined {
  if (timeout === undefined || timeout === null || timeout === 0) return undefined;
  if (typeof timeout === "number" && timeout > 0) return Math.min(timeout, MAX_DELAY_MS);
  throw invalidOption(
    "ws",
    "handshakeTimeout",
    timeout,
    "a positive number of milliseconds, or 0 for no limit",
  );
}

function readMaxRedirects(maxRedirects: number | null = 10): number {
  // Like the package `ws`, converts null to 0.
  if (maxRedirects === null) return 0;
  if (Number.isInteger(maxRedirects) && maxRedirects >= 0) return maxRedirects;
  if (maxRedirects === Infinity) return maxRedirects;
  throw invalidOption("ws", "maxRedirects", maxRedirects, "an integer, 0 or more");
}
