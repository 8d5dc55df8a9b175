import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls, type ConnectionOptions } from "node:tls";
import type { ConnectionTarget, CreateConnection } from "../../client/connection-target.ts";
import type { HttpProxyOptions, ProxyEnvironment } from "../../client/proxy-options.ts";
import { percentDecode } from "../../client/unix-url.ts";
import { TransportError, UsageError } from "../../errors/index.ts";
import { quote } from "../../errors/quote.ts";
import { HeaderFields } from "../../protocol/handshake/header-fields.ts";
import { isFramingField, writeCallerHeaders } from "../../protocol/handshake/header-writer.ts";
import {
  type HttpHead,
  HttpHeadReader,
  parseStatusLine,
  type StatusLine,
} from "../../protocol/handshake/http-head.ts";
import { isRecord } from "../../protocol/record.ts";
import { readNoProxy } from "./no-proxy.ts";

/**
 * Makes a `createConnection` that reaches servers through an HTTP proxy by CONNECT (RFC 9110 9.3.6), for
 * `ws:` and `wss:` alike. The proxy sees the host and port of the server and, for `wss:`, nothing of
 * what is sent. The server's name is looked up by the proxy. `ws+unix:` URLs are connected to directly.
 *
 * ```ts
 * const socket = new WebSocket("wss://example.com/chat", {
 *   createConnection: httpProxy("http://user:password@proxy.example:3128"),
 * });
 * ```
 *
 * An attempt fails with a TransportError: `PROXY_REFUSED` if the proxy answers with another status
 * than 2xx, and `PROXY_FAILED` if it cannot be reached or does not answer by the rules. The time for
 * all of this counts against `handshakeTimeoutMs`.
 *
 * @param proxy an `http:` or `https:` URL; a user and password in it are sent as Basic authentication
 * @throws UsageError `INVALID_OPTION` or `INVALID_HEADER`
 */
export function httpProxy(proxy: string | URL, options: HttpProxyOptions = {}): CreateConnection {
  const url = readProxyUrl(proxy);
  checkOptions(options);
  const isDirect = readNoProxy(options.noProxy ?? "");
  const fields = [...credentials(url, options.headers), ...Object.entries(options.headers ?? {})];
  const route = {
    name: url.host,
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: Number(url.port || (url.protocol === "https:" ? 443 : 80)),
    tls: url.protocol === "https:" ? (options.tls ?? {}) : undefined,
    headerLines: writeCallerHeaders(fields, isReserved),
    hasCredentials: fields.some(([name]) => isAuthorization(name)),
  };
  return (target) =>
    target.path !== undefined || isDirect(target) ? connectDirectly(target) : tunnel(route, target);
}

/**
 * Makes a `createConnection` that goes through the proxy which the environment names, or directly: by
 * `https_proxy` for `wss:` and `http_proxy` for `ws:`, else `all_proxy`, unless `no_proxy` covers the
 * host. For `wss:`, `http_proxy` counts where neither of the others is set. Lower case wins over upper
 * case, and `HTTP_PROXY` is ignored under CGI, where a request can set it. The variables are read when
 * this is called. See {@link httpProxy}.
 *
 * ```ts
 * const createConnection = proxyFromEnvironment();
 * const socket = new WebSocket("wss://example.com/chat", { createConnection });
 * ```
 */
export function proxyFromEnvironment(
  environment: ProxyEnvironment = process.env,
): CreateConnection {
  const variables = { ...environment };
  // httpoxy: a CGI program finds the request's field Proxy there.
  if (variables["REQUEST_METHOD"]) delete variables["HTTP_PROXY"];
  const read = (name: string): string | undefined =>
    variables[name] || variables[name.toUpperCase()] || undefined;
  const noProxy = read("no_proxy") ?? "";
  const http = read("http_proxy");
  const all = read("all_proxy");
  const proxies = {
    plain: http ?? all,
    secure: read("https_proxy") ?? all ?? http,
  };
  return (target) => {
    const proxy = target.url.protocol.startsWith("wss") ? proxies.secure : proxies.plain;
    if (proxy === undefined) return connectDirectly(target);
    // As for curl, a proxy without a scheme is an HTTP proxy.
    return httpProxy(proxy.includes("://") ? proxy : `http://${proxy}`, { noProxy })(target);
  };
}

/** A proxy, and what to say to it. */
interface ProxyRoute {
  /** The host and port, for messages. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** For an `https:` proxy. */
  readonly tls: object | undefined;
  /** The caller's header lines of the request, each with its CRLF. */
  readonly headerLines: string;
  readonly hasCredentials: boolean;
}

function connectDirectly({ host, port, path, signal }: ConnectionTarget): Socket {
  return connectTcp({ host, port, signal, ...(path !== undefined && { path }) });
}

/** Asks the proxy for a tunnel; resolves with it, paused, behind the proxy's answer. */
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
      socket.off("end", onEnd);
      socket.off("close", onEnd);
    };
    const fail = (error: TransportError): void => {
      settle();
      socket.destroy();
      reject(error);
    };
    const onAbort = (): void => fail(failed(`the attempt ended before the proxy ${name} answered`));
    const onEnd = (): void => fail(failed(`the proxy ${name} closed before it answered CONNECT`));
    const onData = (chunk: Buffer): void => {
      const head = readFinalHead(reader, chunk);
      if (head === undefined) return;
      if (head.kind === "fault") {
        fail(failed(`the answer of the proxy ${name} to CONNECT is not valid: ${head.message}`));
        return;
      }
      const { status } = head.startLine;
      if (status < 200 || status > 299) {
        fail(refused(route, authority, head));
        return;
      }
      settle();
      socket.pause();
      // RFC 9110 9.3.6: what follows the blank line comes from the server already.
      if (head.end < chunk.length) socket.unshift(chunk.subarray(head.end));
      resolve(socket);
    };
    socket.on(tls === undefined ? "connect" : "secureConnect", () => {
      const head = `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${headerLines}\r\n`;
      socket.write(head, "latin1");
    });
    // Stays: the socket must have a listener until it has a new owner.
    socket.on("error", (cause: NodeJS.ErrnoException) => {
      const reason = cause.message || cause.code || cause.name;
      fail(failed(`the proxy ${name} cannot be reached: ${reason}`, cause));
    });
    socket.on("data", onData);
    socket.on("end", onEnd);
    socket.on("close", onEnd);
    signal.addEventListener("abort", onAbort);
  });
}

function dial({ host, port, tls }: ProxyRoute): Socket {
  if (tls === undefined) return connectTcp({ host, port });
  return connectTls({
    // RFC 6066 3: a server name is a DNS name, never an address.
    ...(isIP(host) === 0 && { servername: host }),
    ...(tls as ConnectionOptions),
    host,
    port,
    ALPNProtocols: ["http/1.1"],
  });
}

type Head = ReturnType<HttpHeadReader<StatusLine>["receive"]>;

/** Skips interim answers (RFC 9110 15.2). */
function readFinalHead(reader: HttpHeadReader<StatusLine>, chunk: Uint8Array): Head {
  let head = reader.receive(chunk);
  while (head?.kind === "head" && head.startLine.status < 200 && head.startLine.status !== 101) {
    head = reader.receive(chunk, head.end);
  }
  return head;
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
      : "; put a user and password into the URL of the proxy";
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
    // The text itself stays out of the message: it may hold a password.
    throw invalid("the URL of the proxy is not valid; pass one such as http://proxy.example:3128");
  }
  if (url.protocol === "http:" || url.protocol === "https:") return url;
  throw invalid(
    `a proxy of the scheme ${url.protocol} is not supported; pass an http: or https: URL, or a createConnection`,
  );
}

const OPTIONS: ReadonlyArray<keyof HttpProxyOptions> = ["headers", "tls", "noProxy"];

function checkOptions(options: unknown): void {
  if (!isRecord<HttpProxyOptions>(options))
    throw invalid("options is not { headers, tls, noProxy }");
  for (const name of Object.keys(options)) {
    if (!OPTIONS.includes(name as never)) throw invalid(`there is no option ${name}`);
  }
  const { headers = {}, tls = {}, noProxy = "" } = options;
  if (!isRecord(headers)) throw invalid("headers is not a record of strings");
  if (!isRecord(tls)) throw invalid("tls is not a record of options");
  if (typeof noProxy !== "string") throw invalid("noProxy is not a string");
}

function isReserved(name: string): boolean {
  return name === "host" || isFramingField(name);
}

function isAuthorization(name: string): boolean {
  return name.toLowerCase() === "proxy-authorization";
}

/** The user and password of the proxy's URL (RFC 7617), unless the caller gives credentials. */
function credentials(
  { username, password }: URL,
  headers: Readonly<Record<string, string>> = {},
): ReadonlyArray<readonly [string, string]> {
  if (username === "" && password === "") return [];
  if (Object.keys(headers).some(isAuthorization)) return [];
  const pair = `${percentDecode(username)}:${percentDecode(password)}`;
  return [["Proxy-Authorization", `Basic ${Buffer.from(pair).toString("base64")}`]];
}

function invalid(what: string): UsageError {
  return new UsageError("INVALID_OPTION", `httpProxy: ${what}`);
}
