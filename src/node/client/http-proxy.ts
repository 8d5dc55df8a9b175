import { connect as connectTcp, type Socket } from "node:net";
import type { ConnectionTarget, CreateConnection } from "../../client/connection-target.ts";
import type { HttpProxyOptions } from "../../client/proxy-options.ts";
import { TransportError, UsageError } from "../../errors/index.ts";
import { quote } from "../../errors/quote.ts";
import { HeaderFields } from "../../protocol/handshake/header-fields.ts";
import { isFramingField, writeCallerHeaders } from "../../protocol/handshake/header-writer.ts";
import {
  type HttpHead,
  HttpHeadReader,
  parseStatusLine,
  readFinalHead,
  type StatusLine,
} from "../../protocol/handshake/http-head.ts";
import { isRecord } from "../../errors/record.ts";
import { readVariable } from "../environment/variables.ts";
import { hasField, withBasicAuth } from "./basic-auth.ts";
import { connectTls, hostOf, portOf } from "./dial.ts";
import { readNoProxy } from "./no-proxy.ts";

/**
 * Returns a `createConnection` function that connects to `ws:` and `wss:` servers through an HTTP proxy, with
 * the CONNECT method (RFC 9110 9.3.6). The proxy resolves the server's name. It sees the host and port of the
 * server, and with `ws:` all data. Connections to `ws+unix:` URLs do not use the proxy.
 *
 * ```ts
 * const socket = new WebSocket("wss://example.com/chat", {
 *   createConnection: httpProxy("http://user:password@proxy.example:3128"),
 * });
 * ```
 *
 * An attempt fails with TransportError `PROXY_REFUSED` if the proxy answers with a status other than 2xx, and
 * with `PROXY_FAILED` if it cannot be reached or its answer is not valid. The time that the proxy takes
 * counts towards `handshakeTimeoutMs`.
 *
 * @param proxy an `http:` or `https:` URL; a user and password in it are sent as Basic authentication
 * @throws UsageError `INVALID_OPTION` or `INVALID_HEADER`
 */
export function httpProxy(proxy: string | URL, options: HttpProxyOptions = {}): CreateConnection {
  const url = readProxyUrl(proxy);
  checkOptions(options);
  const isDirect = directTargets(options.noProxy);
  const fields = withBasicAuth(url, AUTHORIZATION, Object.entries(options.headers ?? {}));
  const isSecure = url.protocol === "https:";
  const route = {
    name: url.host,
    host: hostOf(url),
    port: portOf(url, isSecure),
    tls: isSecure ? (options.tls ?? {}) : undefined,
    headerLines: writeCallerHeaders(fields, isReserved),
    hasCredentials: hasField(fields, AUTHORIZATION),
  };
  return (target) => (isDirect(target) ? connectDirectly(target) : tunnel(route, target));
}

/**
 * Returns a `createConnection` function that uses the proxy in the environment variables, as
 * {@link httpProxy} does. Without such a variable, it connects directly. The variables are read when you call
 * this function.
 *
 * - For `ws:`: `http_proxy`, or else `all_proxy`.
 * - For `wss:`: `https_proxy`, or else `all_proxy`, or else `http_proxy`.
 * - Connections to the hosts in `no_proxy` are direct.
 * - A variable that the permissions of the runtime hide counts as not set.
 * - Lower case takes precedence over upper case. `HTTP_PROXY` is ignored in a CGI program, where a request
 *   can set it.
 *
 * ```ts
 * const createConnection = proxyFromEnvironment();
 * const socket = new WebSocket("wss://example.com/chat", { createConnection });
 * ```
 */
export function proxyFromEnvironment(
  environment?: Readonly<Record<string, string | undefined>>,
): CreateConnection {
  const variable = (name: string): string | undefined =>
    environment === undefined ? readVariable(name) : environment[name];
  // httpoxy: under CGI, the request's header field Proxy sets HTTP_PROXY.
  const isCgi = Boolean(variable("REQUEST_METHOD"));
  const read = (name: string): string | undefined => {
    const upper = isCgi && name === "http_proxy" ? undefined : name.toUpperCase();
    return variable(name) || (upper && variable(upper)) || undefined;
  };
  const isDirect = directTargets(read("no_proxy"));
  const http = read("http_proxy");
  const all = read("all_proxy");
  const proxies = {
    plain: http ?? all,
    secure: read("https_proxy") ?? all ?? http,
  };
  return (target) => {
    const proxy = target.url.protocol.startsWith("wss") ? proxies.secure : proxies.plain;
    if (proxy === undefined || isDirect(target)) return connectDirectly(target);
    // As with curl, a proxy without a scheme is an HTTP proxy.
    return httpProxy(proxy.includes("://") ? proxy : `http://${proxy}`)(target);
  };
}

/** A proxy with the settings of its CONNECT request. */
interface ProxyRoute {
  /** The host and port, for error messages. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** The TLS options; undefined unless the proxy is an `https:` proxy. */
  readonly tls: object | undefined;
  /** The caller's header lines, each with its CRLF. */
  readonly headerLines: string;
  readonly hasCredentials: boolean;
}

/** Returns whether to connect to a target without the proxy: a Unix socket, or a host in `noProxy`. */
function directTargets(noProxy = ""): (target: ConnectionTarget) => boolean {
  const isListed = readNoProxy(noProxy);
  return (target) => target.path !== undefined || isListed(target);
}

function connectDirectly({ host, port, path, signal }: ConnectionTarget): Socket {
  return connectTcp(path === undefined ? { host, port, signal } : { path, signal });
}

/** Asks the proxy for a tunnel. After the proxy has answered, resolves with the tunnel, which is paused. */
function tunnel(route: ProxyRoute, target: ConnectionTarget): Promise<Socket> {
  const { name, tls, headerLines } = route;
  const { signal } = target;
  const authority = `${target.host.includes(":") ? `[${target.host}]` : target.host}:${target.port}`;
  return new Promise((resolve, reject) => {
    const reader = new HttpHeadReader({ parseStartLine: parseStatusLine });
    const socket = dial(route);
    const settle = (): void => {
      signal.removeEventListener("abort", onAbort);
      socket.off("data", onData);
    };
    const fail = (error: TransportError): void => {
      settle();
      socket.destroy();
      reject(error);
    };
    const onAbort = (): void =>
      fail(failed(`the attempt to connect ended before the proxy ${name} answered`));
    const onData = (chunk: Buffer): void => {
      const head = readFinalHead(reader, chunk);
      if (head === undefined) return;
      if (head.kind === "fault") {
        fail(failed(`the proxy ${name} sent an invalid response to CONNECT: ${head.message}`));
        return;
      }
      const { status } = head.startLine;
      if (status < 200 || status > 299) {
        fail(refused(route, authority, head));
        return;
      }
      settle();
      socket.pause();
      // RFC 9110 9.3.6: the bytes after the blank line come from the server.
      if (head.end < chunk.length) socket.unshift(chunk.subarray(head.end));
      resolve(socket);
    };
    socket.on(tls === undefined ? "connect" : "secureConnect", () => {
      const head = `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${headerLines}\r\n`;
      socket.write(head, "latin1");
    });
    // These listeners stay. Without a listener, an error of the socket would end the process. Once the promise
    // has settled, they have no effect.
    socket.on("error", (cause: NodeJS.ErrnoException) => {
      const reason = cause.message || cause.code || cause.name;
      fail(failed(`the proxy ${name} cannot be reached: ${reason}`, cause));
    });
    socket.on("close", () =>
      fail(failed(`the proxy ${name} closed the connection before it answered CONNECT`)),
    );
    socket.on("data", onData);
    signal.addEventListener("abort", onAbort);
  });
}

function dial({ host, port, tls }: ProxyRoute): Socket {
  return tls === undefined ? connectTcp({ host, port }) : connectTls({ host, port }, tls);
}

function refused(
  { name, hasCredentials }: ProxyRoute,
  authority: string,
  { startLine: { status, reason }, rawHeaders }: HttpHead<StatusLine>,
): TransportError {
  const phrase = reason === "" ? "" : ` ${quote(reason)}`;
  let message = `the proxy ${name} answered CONNECT ${authority} with status ${status}${phrase}`;
  if (status === 407) {
    const schemes = new HeaderFields(rawHeaders).all("proxy-authenticate").join(", ");
    message += hasCredentials
      ? "; check the user and password of the proxy"
      : "; add a user and password to the proxy URL";
    if (schemes !== "") message += ` (it asks for ${quote(schemes)})`;
  }
  return new TransportError("PROXY_REFUSED", message);
}

function failed(message: string, cause?: unknown): TransportError {
  return new TransportError("PROXY_FAILED", message, { cause });
}

function readProxyUrl(proxy: unknown): URL {
  let url: URL;
  try {
    url = new URL(String(proxy));
  } catch {
    // The message leaves out the URL, because it may contain a password.
    throw invalid("the proxy URL is not valid; pass a URL such as http://proxy.example:3128");
  }
  if (url.protocol === "http:" || url.protocol === "https:") return url;
  throw invalid(
    `the proxy scheme ${url.protocol} is not supported; pass an http: or https: URL, or write your own createConnection`,
  );
}

const AUTHORIZATION = "Proxy-Authorization";

const OPTIONS: ReadonlyArray<keyof HttpProxyOptions> = ["headers", "tls", "noProxy"];

function checkOptions(options: unknown): void {
  if (!isRecord<HttpProxyOptions>(options))
    throw invalid("options must be an object, such as { headers, tls, noProxy }");
  for (const name of Object.keys(options)) {
    if (!OPTIONS.includes(name as never)) throw invalid(`there is no option ${name}`);
  }
  const { headers = {}, tls = {}, noProxy = "" } = options;
  if (!isRecord(headers)) throw invalid("headers must be an object of strings");
  if (!isRecord(tls)) throw invalid("tls must be an object of options");
  if (typeof noProxy !== "string") throw invalid("noProxy must be a string");
}

function isReserved(name: string): boolean {
  return name === "host" || isFramingField(name);
}

function invalid(what: string): UsageError {
  return new UsageError("INVALID_OPTION", `httpProxy: ${what}`);
}
