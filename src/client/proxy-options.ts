import type { TlsOptions } from "./options.ts";

/** The options of `httpProxy`. */
export interface HttpProxyOptions {
  /**
   * Further header fields of the CONNECT request. `proxy-authorization` replaces the user and password
   * of the proxy's URL.
   */
  readonly headers?: Readonly<Record<string, string>>;
  /** Certificates for an `https:` proxy. Pass certificates for the server in the options of the WebSocket. */
  readonly tls?: TlsOptions;
  /**
   * The hosts to connect to directly, in the syntax of the variable `NO_PROXY`: a list separated by commas
   * or spaces. An element is a name, which covers its subdomains, an address, or a network such as
   * `10.0.0.0/8`, with an optional `:port`. `*` means all hosts. Default: none.
   */
  readonly noProxy?: string;
}
