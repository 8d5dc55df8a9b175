import type { ClientRequest } from "node:http";
import type { RequestOptions } from "node:https";
import type { PerMessageDeflateOptions } from "../extensions/deflate-options.ts";
import type { CommonOptions } from "../socket/socket-options.ts";

/** The options of the application, which are passed on to `http.request` and to `setSocket`. */
export interface ForwardedOptions extends RequestOptions, CommonOptions {
  readonly origin?: string | undefined;
}

/** The options of the opening handshake, with their defaults. `Owner` is the type of the WebSocket. */
export interface HandshakeOptions<Owner> {
  readonly finishRequest: ((request: ClientRequest, webSocket: Owner) => void) | undefined;
  readonly followRedirects: boolean;
  /** Undefined without a limit. */
  readonly handshakeTimeout: number | undefined;
  readonly maxRedirects: number;
  /** Undefined to offer no compression. */
  readonly perMessageDeflate: PerMessageDeflateOptions | undefined;
  readonly protocolVersion: number;
  readonly forwarded: ForwardedOptions;
}
