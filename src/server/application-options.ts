import type { CompressionOptions } from "../protocol/deflate/index.ts";
import type { ConnectionLimits } from "./connection-limits.ts";
import type { ProxyHeader } from "./forwarded-fields.ts";
import type { OriginPolicy } from "./origin-policy.ts";
import type { RefusalListener } from "./refusal-reporter.ts";
import type { ErrorListener } from "./report.ts";

/**
 * The options of a server, apart from where it listens. Connection limits, `origins` and `compression`
 * are defaults for all `ws:` routes.
 */
export interface ApplicationOptions extends ConnectionLimits {
  /** The origins whose pages may connect; see {@link OriginPolicy}. Default: `"same-origin"`. */
  readonly origins?: OriginPolicy;
  /** See `compression` of a route. Default: false. */
  readonly compression?: boolean | CompressionOptions;
  /**
   * Gets the errors that handlers throw, and all other errors that no other code handles. Default:
   * prints them to the console.
   */
  readonly onError?: ErrorListener;
  /**
   * Gets a report of each refusal: every handshake that does not open a WebSocket, every other request
   * that the server itself refuses, and every close that the server decides on (1002, 1003, 1007, 1008,
   * 1009, 1013). Requests that match no route are not reported. Clients can cause any number of
   * reports.
   *
   * Default: prints one line per kind and minute to the console, unless `NODE_ENV` is `"production"`.
   */
  readonly onRefused?: RefusalListener;
  /**
   * The time for a client to send the head of its request, and for `authorize` to decide. An integer,
   * at most 300,000. Default 10,000.
   */
  readonly handshakeTimeoutMs?: number;
  /**
   * The maximum number of open WebSockets, including clients that wait for `authorize`. A request
   * for one more is answered with 503 and `Retry-After`; existing sockets are unaffected. `serve` also
   * accepts as many other connections (HTTP, or before the handshake), and at least 1,024. It drops
   * further connections without a response.
   *
   * Default 65,536, so that a flood of handshakes ends in refusals. Choose a limit for your machine:
   * each connection may use as much memory as the other limits allow, and the operating system limits
   * the number of open files. `Infinity` means no limit.
   */
  readonly maxConnections?: number;
  /**
   * The maximum number of pending calls of `authorize`; for one HTTP/2 connection at most 16. A request
   * for one more is answered with 503 and `Retry-After`; existing sockets are unaffected. Default 1,024.
   *
   * A call counts until it settles, for `handshakeTimeoutMs` at most. It also counts after its client
   * has left, so that clients cannot start any number of calls. A client that leaves frees its place in
   * `maxConnections` at once.
   *
   * After the timeout the call no longer counts, and the `signal` of its request aborts. Pass that
   * signal on, so that the work stops.
   */
  readonly maxPendingAuthorize?: number;
  /**
   * The maximum number of HTTP requests in progress, over HTTP/1.1 and HTTP/2 together. A request for
   * one more is answered with 503 and `Retry-After`, and its connection (over HTTP/2 its stream) is
   * closed. Default 4,096. So many requests use about 100 MB, and 64 KiB more for each unread body.
   * Raise the limit for a server with more streaming responses or long polls.
   *
   * A request counts until its response has been sent and its handler has returned. If its client has
   * left, it counts for at most `handshakeTimeoutMs` longer. WebSockets do not count.
   */
  readonly maxPendingRequests?: number;
  /**
   * The maximum memory for the unfinished messages of all connections together, with the bytes that
   * clients send before `authorize` has decided. When the limit is reached, the server closes the
   * connection of an unfinished message with 1013, and answers a handshake with 503. Messages that
   * arrive in one piece do not count. Default 268,435,456 (256 MiB).
   */
  readonly maxUnfinishedBytes?: number;
  /**
   * The host names of this server: hosts such as `"example.com"`, which allow every port, or hosts with
   * a port, such as `"localhost:8080"` or `"[::1]:8080"`. A request whose `Host` is not in the list is
   * answered with 421. This applies to WebSockets and to other HTTP requests.
   *
   * Default: any name, because a server behind a proxy cannot know its own. A server without this list
   * is open to DNS rebinding: an attacker's page whose host name resolves to this server's address has
   * the same origin as its `Host`, and passes the default check of `origins`. Set the list if a client
   * needs no other credential than being on a private network or on the same machine.
   */
  readonly hosts?: readonly string[];
  /**
   * The trusted proxies, whose fields apply to `remoteAddress`, `url`, `hosts` and the origin check.
   * Give a list of addresses and networks (`["127.0.0.1", "10.0.0.0/8", "fd00::/8"]`), or the number of
   * proxies that each request passes. A Unix socket counts as one trusted proxy.
   *
   * The server reads `Forwarded` (RFC 7239) or, without that field, `X-Forwarded-For`,
   * `X-Forwarded-Proto`, `X-Forwarded-Host` and `X-Forwarded-Port`. It walks from the last address
   * to the first, past trusted ones, and takes the first address that is not trusted. If a field
   * that it needs is malformed or too long, it uses the connection's own address, scheme and host.
   *
   * Your proxy must overwrite or remove each of these fields that a client may send: see
   * docs/guides/deploying.md. Give a number only if clients cannot reach the server directly.
   * Default: no proxy is trusted, and the fields are not read.
   */
  readonly trustProxy?: number | readonly string[];
  /**
   * The fields that your proxies write; the server ignores the others. Set it if a proxy cannot remove
   * the other fields from a client's request. Default: all of them.
   */
  readonly proxyHeaders?: readonly ProxyHeader[];
}
