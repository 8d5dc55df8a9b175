import type { ClientCertificate } from "./client-certificate.ts";
import type { RouteParams } from "./patterns/route-param-types.ts";

/** What an HTTP handler gets besides the request. */
export interface HttpContext<Params> {
  /** Named params are percent-decoded. A wildcard, `"0"`, has the text of the URL unchanged. */
  readonly params: Params;
  readonly url: URL;
  /** The client's address. Behind a proxy it is the proxy's, unless `trustProxy` names the proxy. */
  readonly remoteAddress: string;
  /** The TLS client certificate of the connection's peer, which may be a proxy. */
  readonly clientCertificate: ClientCertificate | undefined;
}

/**
 * Answers an HTTP request. If it throws or rejects, the response is a 500 and `onError` gets the error.
 * The `fetch` function of a framework is such a handler: `"/api/*": app.fetch`.
 */
export type HttpHandler<Path extends string = string> = (
  request: Request,
  context: HttpContext<RouteParams<Path>>,
) => Response | Promise<Response>;
