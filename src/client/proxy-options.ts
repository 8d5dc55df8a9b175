import type { TlsOptions } from "./options.ts";

/** The options of `httpProxy`. */
export interface HttpProxyOptions {
  /**
   * Further header fields of the CONNECT request. `proxy-authorization` replaces the user and password
   * of the proxy's URL.
   */
  readonly headers?: Readonly<Record<string, string>>;
  /** Certificates for an `https:` proxy. Pass those for the server in the options of the WebSocket. */
  readonly tls?: TlsOptions;
  /**
   * The hosts to connect to directly, in the syntax of the variable `NO_PROXY`: names, which cover their
   * subdomains, addresses, networks such as `10.0.0.0/8`, each with an optional `:port`, separated by
   * commas or spaces; `*` for all hosts. Default: none.
   */
  readonly noProxy?: string;
}
