import type { IncomingMessage, Server as HttpServer } from "node:http";
import type { Server as HttpsServer } from "node:https";
import { invalidOption } from "../errors/check-options.ts";
import {
  checkDeflateOptions,
  type PerMessageDeflateOptions,
} from "./extensions/deflate-options.ts";
import { checkCommonOptions, type CommonOptions } from "./socket/socket-options.ts";
import type { VerifyClient } from "./server/verify-client.ts";
import { WebSocket } from "./web-socket.ts";
import { withoutUndefined } from "../errors/record.ts";

export type {
  VerifyClient,
  VerifyClientCallbackAsync,
  VerifyClientCallbackSync,
  VerifyClientDecision,
  VerifyClientInfo,
} from "./server/verify-client.ts";

/** The options of `WebSocketServer`. Exactly one of `port`, `server` and `noServer` must be set. */
export interface ServerOptions<
  T extends typeof WebSocket = typeof WebSocket,
  U extends typeof IncomingMessage = typeof IncomingMessage,
> extends CommonOptions {
  /** The port of a new HTTP server, which the `WebSocketServer` owns. 0 for any free port. */
  port?: number | null | undefined;
  /** The host name or address to listen on. Default: all addresses. */
  host?: string | null | undefined;
  /** The maximum number of connections that wait to be accepted. Default: the default of Node.js. */
  backlog?: number | null | undefined;
  /** An HTTP server of the application. The application must close it. */
  server?: HttpServer<U> | HttpsServer<U> | null | undefined;
  /** Whether the application calls `handleUpgrade` itself. Default: false. */
  noServer?: boolean | undefined;
  /** The only path that is accepted, without its query. Default: every path. */
  path?: string | null | undefined;
  /** Whether `clients` exists. Default: true. */
  clientTracking?: boolean | undefined;
  /** Decides on each handshake. Default: every handshake is accepted, from any origin. */
  verifyClient?: VerifyClient<InstanceType<U>> | null | undefined;
  /**
   * Chooses one of the subprotocols that the client offers. Nothing is chosen if it returns `false`. Default:
   * the first one.
   */
  handleProtocols?:
    | ((protocols: Set<string>, request: InstanceType<U>) => string | false)
    | null
    | undefined;
  /** Compression (RFC 7692). Default: false. */
  perMessageDeflate?: boolean | PerMessageDeflateOptions | undefined;
  /** The class of the server's sockets. It must extend `WebSocket`. Default: `WebSocket`. */
  WebSocket?: T | undefined;
}

/**
 * The options with their defaults, as `WebSocketServer.options` has them. Options without a value are null. The
 * type does not include null, so that it is assignable to the type of `@types/ws`.
 */
export type ResolvedServerOptions<
  T extends typeof WebSocket = typeof WebSocket,
  U extends typeof IncomingMessage = typeof IncomingMessage,
> = FitsTypesOfWs<ServerOptions<T, U>> & Readonly<typeof DEFAULTS>;

/** Removes the values that the types of `@types/ws` do not allow. */
type FitsTypesOfWs<Options> = {
  [K in keyof Options]: K extends "perMessageDeflate"
    ?
        | boolean
        | Omit<PerMessageDeflateOptions, `${"client" | "server"}MaxWindowBits` | `zlib${string}`>
    : NonNullable<Options[K]>;
};

const DEFAULTS = {
  allowSynchronousEvents: true,
  autoPong: true,
  closeTimeout: 30_000,
  maxBufferedChunks: 262_144,
  maxFragments: 16_384,
  maxPayload: 104_857_600,
  maxPendingAutoPongs: 60,
  skipUTF8Validation: false,
  clientTracking: true,
};

/**
 * Fills in the defaults and checks the options.
 *
 * @throws TypeError unless exactly one of `port`, `server` and `noServer` is set
 * @throws UsageError `INVALID_OPTION`
 */
export function resolveServerOptions<T extends typeof WebSocket, U extends typeof IncomingMessage>(
  options: ServerOptions<T, U> = {},
): ResolvedServerOptions<T, U> {
  const resolved = {
    ...DEFAULTS,
    perMessageDeflate: false,
    handleProtocols: null,
    verifyClient: null,
    noServer: false,
    backlog: null,
    server: null,
    host: null,
    path: null,
    port: null,
    WebSocket: WebSocket as T,
    ...withoutUndefined(options),
  };
  checkListenOptions(resolved as ServerOptions);
  checkFunctions(resolved);
  checkCommonOptions(resolved);
  if (resolved.perMessageDeflate === true) resolved.perMessageDeflate = {};
  if (resolved.perMessageDeflate) checkDeflateOptions(resolved.perMessageDeflate);
  return resolved as ResolvedServerOptions<T, U>;
}

function checkListenOptions({ port, server, noServer }: ServerOptions): void {
  const hasPort = port !== null && port !== undefined;
  if (Number(hasPort) + Number(Boolean(server)) + Number(Boolean(noServer)) === 1) return;
  throw new TypeError(
    'One and only one of the "port", "server", or "noServer" options must be specified',
  );
}

function checkFunctions(options: Record<string, unknown>): void {
  for (const name of ["verifyClient", "handleProtocols", "WebSocket"]) {
    const value = options[name];
    if (typeof value === "function" || (!value && name !== "WebSocket")) continue;
    throw invalidOption("ws", name, value, "a function");
  }
}
