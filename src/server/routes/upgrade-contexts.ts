import type { ClientCertificate } from "../requests/client-certificate.ts";
import { ResponseHeaders } from "../requests/response-headers.ts";
import type { UpgradeAttempt } from "../requests/upgrade-attempt.ts";
import type { Params as MatchedParams } from "./patterns/route-pattern.ts";

/**
 * The second argument of `authorize`: the params, the URL and the client of the handshake, and headers to add
 * to the response.
 */
export interface AuthorizeContext<Params> {
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
  /**
   * Headers to add to the response that accepts the handshake: 101, or 200 over HTTP/2. Use `append` for
   * several `Set-Cookie` headers. If `authorize` returns a `Response`, these headers are not sent; add them
   * to that `Response`. Changes after `authorize` has settled have no effect.
   *
   * `set` and `append` throw UsageError `RESERVED_HEADER` for headers of the handshake (`Connection`,
   * `Upgrade`, `Sec-WebSocket-*`) and of the connection (such as `Keep-Alive` and `Content-Length`). They
   * throw UsageError `INVALID_HEADER` for an invalid name or value. If all headers together exceed 32,768
   * bytes, the client gets 500.
   */
  readonly responseHeaders: Headers;
}

/**
 * The second argument of a WebSocket handler: the params, the state, and the request that opened the socket.
 */
export interface WebSocketContext<Params, Protocol, State> {
  /**
   * The params that the path matched. Named params are percent-decoded. A wildcard has the name `"0"` and
   * the text of the URL unchanged.
   */
  readonly params: Params;
  /** The negotiated subprotocol, or an empty string. */
  readonly protocol: Protocol;
  /** The object that the route's `authorize` returned; undefined for a route without `authorize`. */
  readonly state: State;
  /** The request of the opening handshake. */
  readonly request: Request;
  /** The requested URL. Its scheme and host come from a trusted proxy if there is one. */
  readonly url: URL;
  /**
   * The IP address of the client. Behind a proxy it is the proxy's address, unless `trustProxy` includes the
   * proxy. An empty string for a client on a Unix socket, and after the connection has ended if it was not
   * read before.
   */
  readonly remoteAddress: string;
  /**
   * The TLS certificate of the connection's peer, which may be a proxy. Undefined if the peer sent none, and
   * after the connection has ended if it was not read before.
   */
  readonly clientCertificate: ClientCertificate | undefined;
}

/** The common part of both contexts. It reads the request only when the application accesses a property. */
class UpgradeContext {
  readonly params: MatchedParams;
  readonly #attempt: UpgradeAttempt;

  constructor(attempt: UpgradeAttempt, params: MatchedParams) {
    this.#attempt = attempt;
    this.params = params;
  }

  get url(): URL {
    return this.#attempt.url;
  }

  get remoteAddress(): string {
    return this.#attempt.remoteAddress;
  }

  get clientCertificate(): ClientCertificate | undefined {
    return this.#attempt.clientCertificate;
  }

  /** Returns the `Request`, which only one of the contexts has as a property. */
  protected static requestOf(context: UpgradeContext): Request {
    return context.#attempt.request;
  }
}

/** The context of one call of `authorize`. */
export class AuthorizeCall extends UpgradeContext implements AuthorizeContext<MatchedParams> {
  #responseHeaders: ResponseHeaders | undefined;

  get responseHeaders(): Headers {
    this.#responseHeaders ??= new ResponseHeaders();
    return this.#responseHeaders;
  }

  /**
   * The headers to add to the response that accepts the handshake; undefined if there are none.
   *
   * @throws UsageError `RESERVED_HEADER`, `INVALID_HEADER`
   */
  takeFields(): ReturnType<ResponseHeaders["toFields"]> | undefined {
    return this.#responseHeaders?.toFields();
  }
}

/** The context of one call of a WebSocket handler. */
export class HandlerContext
  extends UpgradeContext
  implements WebSocketContext<MatchedParams, string, unknown>
{
  readonly protocol: string;
  readonly state: unknown;

  constructor(attempt: UpgradeAttempt, params: MatchedParams, protocol: string, state: unknown) {
    super(attempt, params);
    this.protocol = protocol;
    this.state = state;
  }

  get request(): Request {
    return UpgradeContext.requestOf(this);
  }
}
