import type { CompressionOptions } from "../../protocol/deflate/index.ts";
import type { RefusalListener } from "../reports/refusal-reporter.ts";
import type { ErrorListener } from "../socket/error-context.ts";
import type { ConnectionLimits } from "./connection-limits.ts";

/**
 * The web pages that may connect, by their origin. A browser sends the origin of the page in every opening
 * handshake (RFC 6455 10.2). Without a check, any page that a user visits could connect with the cookies
 * of that user. Pages of other origins get 403.
 *
 * - `"same-origin"`, the default: pages with the same host and port as the request's `Host` header. If this
 *   server itself terminates TLS, the page's scheme must be `https`.
 * - A list of origins, such as `"https://example.com"`, `"chrome-extension://<id>"`, `"moz-extension://<id>"`
 *   or `"file://"`. All sandboxed frames, and many pages that were opened from a file, share the origin
 *   `"null"`.
 * - A function, which the server calls for every request with exactly one `Origin` header. Only the result
 *   `true` accepts the page. The function cannot be async; use `authorize` for async checks. If it throws,
 *   the server refuses the page and reports the error to `onError`. A result that is not a boolean is also
 *   reported as an error, at most once a minute.
 * - `"*"`: any page. Use it only for public data.
 *
 * A handshake without `Origin` does not come from a web page. Such a client could send any origin, so it
 * always passes the check. A request with several `Origin` headers is refused, except with `"*"`.
 */
export type OriginPolicy =
  | "same-origin"
  | "*"
  | readonly string[]
  | ((origin: string, request: Request) => boolean);

/** A request header in which a proxy describes the request that it received, for `proxyHeaders`. */
export type ProxyHeader =
  | "forwarded"
  | "x-forwarded-for"
  | "x-forwarded-proto"
  | "x-forwarded-host"
  | "x-forwarded-port";

/**
 * Limits, checks and listeners of a server. Each `ws:` route can override `origins`, `compression` and the
 * connection limits.
 */
export interface ApplicationOptions extends ConnectionLimits {
  /** The origins of the web pages that may connect; see {@link OriginPolicy}. Default: `"same-origin"`. */
  readonly origins?: OriginPolicy;
  /**
   * Whether to compress messages with permessage-deflate (RFC 7692), and how. `true` selects the defaults of
   * {@link CompressionOptions}. The route option `compression` describes the risks. Default: `false`.
   */
  readonly compression?: boolean | CompressionOptions;
  /**
   * Receives every error that the application did not handle, such as an error that a handler throws.
   * Default: prints it to the console.
   */
  readonly onError?: ErrorListener;
  /**
   * Receives a report of each refusal:
   *
   * - a handshake that does not open a WebSocket;
   * - another HTTP request that the server itself refuses, except with 404 or 405;
   * - a connection that the server closes with 1002, 1003, 1007, 1008, 1009 or 1013.
   *
   * Clients can cause any number of reports, so the listener must be cheap.
   *
   * Default: prints at most one line per minute for each kind of refusal to the console, and nothing if `NODE_ENV` is
   * `"production"`.
   */
  readonly onRefused?: RefusalListener;
  /**
   * Two timeouts in milliseconds: for a client to send its request head (the request line and the headers),
   * and then for `authorize` to settle. With `attach`, the HTTP server's `headersTimeout` applies to the
   * request head instead. An integer from 1 to 300,000. Default: 10,000.
   */
  readonly handshakeTimeoutMs?: number;
  /**
   * The maximum number of open WebSockets, including clients that wait for `authorize`. A further
   * handshake gets 503 with `Retry-After`; existing sockets are unaffected. An integer above 0, or
   * `Infinity` for no limit. Default: 65,536.
   *
   * In addition, `serve` accepts the same number of other connections, but at least 1,000. Those are HTTP
   * connections, and clients that have not sent their handshake yet. It drops further connections without a
   * response.
   *
   * Choose a limit for your machine. Each connection may use as much memory as the other limits allow,
   * and the operating system limits the number of open files.
   */
  readonly maxConnections?: number;
  /**
   * The maximum number of pending calls of `authorize`. A further handshake gets 503 with `Retry-After`;
   * existing sockets are unaffected. One HTTP/2 connection can have at most 16 pending calls. An integer
   * above 0, or `Infinity`. Default: 1,024.
   *
   * A call counts until it settles, or until `handshakeTimeoutMs` has passed. It still counts after its
   * client has disconnected; otherwise a client that keeps reconnecting could start any number of calls. In
   * `maxConnections`, a client stops counting as soon as it disconnects.
   *
   * The `signal` of the request aborts after the timeout, or when the client disconnects. Pass it to
   * `fetch` or to a database, so that the work stops.
   */
  readonly maxPendingAuthorize?: number;
  /**
   * The maximum number of HTTP requests in progress, over HTTP/1.1 and HTTP/2 together. A further request
   * gets 503 with `Retry-After`, and its connection (over HTTP/2, its stream) is closed. An integer above
   * 0, or `Infinity`. Default: 4,096.
   *
   * 4,096 requests use about 100 MB, and 64 KiB more for each unread body. Raise the limit for a server
   * with more streaming responses or long polls.
   *
   * A request counts until its response has been sent and its handler has returned. After its client
   * disconnects, it counts for at most `handshakeTimeoutMs` longer. WebSockets do not count.
   */
  readonly maxPendingRequests?: number;
  /**
   * The maximum memory in bytes for messages that have arrived only in part, over all connections together.
   * It includes the bytes that clients send before `authorize` has settled. At the limit, a connection that
   * receives more of such a message closes with 1013, and a handshake gets 503 if its client sends such early
   * bytes. Messages that arrive in one piece do not count. An integer above 0, or `Infinity`. Default:
   * 268,435,456 (256 MiB).
   */
  readonly maxUnfinishedBytes?: number;
  /**
   * The host names that clients may use for this server. A request with another `Host` gets 421 (RFC 9110
   * 15.5.20), whether it asks for a WebSocket or not. `"example.com"` allows every port;
   * `"localhost:8080"` and `"[::1]:8080"` allow one port.
   *
   * Default: any name, because a server behind a proxy cannot know its public name. A server without this
   * list is open to DNS rebinding. An attacker's page can have a host name that resolves to the address of
   * this server. Its origin then equals the `Host` of its requests, and passes the default check of
   * `origins`. Set the list if clients need no credentials because the server is reachable only from the same
   * machine or a private network.
   */
  readonly hosts?: readonly string[];
  /**
   * The trusted reverse proxies. The server takes the client's address, scheme and host from their
   * `Forwarded` or `X-Forwarded-*` headers, for `remoteAddress`, `url` and the checks of `hosts` and
   * `origins`. Default: no proxy is trusted, and the headers are ignored.
   *
   * Pass a list of addresses and networks, such as `["127.0.0.1", "10.0.0.0/8", "fd00::/8"]`, or the number
   * of proxies that each request passes through, from 1 to 31. A client on a Unix socket counts as a trusted
   * proxy.
   *
   * The server reads `Forwarded` (RFC 7239). If a request does not have it, the server reads
   * `X-Forwarded-For`, `X-Forwarded-Proto`, `X-Forwarded-Host` and `X-Forwarded-Port`. It goes through the
   * addresses from the last to the first, skips trusted ones, and takes the first untrusted address. If a
   * header that it needs is malformed or too long, it uses the address, scheme and host of the connection.
   *
   * Your proxy must overwrite or remove each of these headers in a client's request; see
   * docs/guides/deploying.md. Pass a number only if clients cannot reach the server directly.
   */
  readonly trustProxy?: number | readonly string[];
  /**
   * The headers that your proxies write, in lower case; the server ignores the others. Set it if a proxy
   * cannot remove the other headers from a client's request. Needs `trustProxy`. Default: all of them.
   */
  readonly proxyHeaders?: readonly ProxyHeader[];
}
