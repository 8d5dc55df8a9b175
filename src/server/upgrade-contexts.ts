import type { ClientCertificate } from "./client-certificate.ts";
import type { Params as MatchedParams } from "./patterns/route-pattern.ts";
import { ResponseHeaders } from "./response-headers.ts";
import type { UpgradeAttempt } from "./upgrade.ts";

/** What `authorize` gets besides the request. */
export interface AuthorizeContext<Params> {
  /** Named params are percent-decoded. A wildcard, `"0"`, has the text of the URL unchanged. */
  readonly params: Params;
  readonly url: URL;
  /** The client's address. Behind a proxy it is the proxy's, unless `trustProxy` names the proxy. */
  readonly remoteAddress: string;
  /** The TLS client certificate of the connection's peer, which may be a proxy. */
  readonly clientCertificate: ClientCertificate | undefined;
  /**
   * The header fields of the response that accepts the handshake: the 101, or the 200 of HTTP/2. Use
   * `append` for several `Set-Cookie`. A `Response` that refuses is sent without them; pass them as its
   * `headers` to send them. Changes after `authorize` has decided have no effect.
   *
   * `set` and `append` throw UsageError `RESERVED_HEADER` for fields of the handshake
   * (`Connection`, `Upgrade`, `Sec-WebSocket-*`) and fields that frame the message, and
   * `INVALID_HEADER` for a value with control characters. More than 32,768 bytes in
   * all refuse the client with 500.
   */
  readonly responseHeaders: Headers;
}

/** What a WebSocket handler gets besides the socket. */
export interface WebSocketContext<Params, Protocol, State> {
  /** Named params are percent-decoded. A wildcard, `"0"`, has the text of the URL unchanged. */
  readonly params: Params;
  /** The negotiated subprotocol, or the empty string. */
  readonly protocol: Protocol;
  /** The result of the route's `authorize`. */
  readonly state: State;
  /** The request that opened the connection. */
  readonly request: Request;
  readonly url: URL;
  /**
   * The client's address. Behind a proxy it is the proxy's address, unless `trustProxy` names the
   * proxy. Empty for a Unix socket, and if it is first read after the connection has ended.
   */
  readonly remoteAddress: string;
  /**
   * The TLS client certificate of the connection's peer, which may be a proxy. Undefined if the peer
   * sent none, and if it is first read after the connection has ended.
   */
  readonly clientCertificate: ClientCertificate | undefined;
}

/** The common part of both contexts. Reads the request only when a callback reads a property. */
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

  /** Returns the `Request` of a context, which is not a property of every context. */
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
   * The fields to send with the response that accepts the handshake; undefined for none.
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
