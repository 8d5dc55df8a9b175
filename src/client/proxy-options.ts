import type { TlsOptions } from "./options.ts";

/** The options of `httpProxy`. */
export interface HttpProxyOptions {
  /**
   * Further header fields of the CONNECT request. `proxy-authorization` replaces the user and password in the
   * proxy's URL.
   */
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * The TLS settings of the connection to an `https:` proxy. The settings of the connection to the server are
   * in the WebSocket's options.
   */
  readonly tls?: TlsOptions;
  /**
   * The hosts to connect to directly, in the syntax of the environment variable `NO_PROXY`: a list that is
   * separated by commas or spaces. An element is a name, an address, or a network such as `10.0.0.0/8`, with
   * an optional `:port`. A name also matches its subdomains, and `*` matches all hosts. Default: none.
   */
  readonly noProxy?: string;
}
