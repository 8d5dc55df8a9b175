import type { ClientCertificate } from "../requests/client-certificate.ts";
import type { RouteParams } from "./patterns/route-param-types.ts";

/** The second argument of an HTTP handler: the params, the URL and the client of a request. */
export interface HttpContext<Params> {
  /**
   * The params that the path matched. Named params are percent-decoded. A wildcard has the name `"0"` and
   * the text of the URL unchanged.
   */
  readonly params: Params;
  /** The requested URL. Its scheme and host come from a trusted proxy if there is one. */
  readonly url: URL;
  /**
   * The IP address of the client. Behind a proxy it is the proxy's address, unless `trustProxy` includes the
   * proxy. An empty string for a client on a Unix socket.
   */
  readonly remoteAddress: string;
  /** The TLS certificate of the connection's peer, which may be a proxy. Undefined if the peer sent none. */
  readonly clientCertificate: ClientCertificate | undefined;
}

/**
 * Handles the HTTP requests of a route, and returns the `Response`. If it throws or rejects, the client gets
 * 500 and `onError` gets the error. The `fetch` function of a framework such as Hono is a handler of this
 * kind: `"/api/*": app.fetch`.
 */
export type HttpHandler<Path extends string = string> = (
  request: Request,
  context: HttpContext<RouteParams<Path>>,
) => Response | Promise<Response>;

/** A property of functions that create a route, and are not handlers themselves. */
export const CREATES_ROUTE: unique symbol = Symbol("creates a route");

/** A property of HTTP handlers that need a route with a wildcard. */
export const NEEDS_WILDCARD: unique symbol = Symbol("needs a wildcard");
