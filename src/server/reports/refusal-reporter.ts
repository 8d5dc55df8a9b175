import type { DebugLog } from "../../errors/debug-log.ts";
import { quote } from "../../errors/quote.ts";
import { printError } from "../../errors/safe-listener.ts";
import type { HttpRefusal } from "../../protocol/handshake/http-refusal.ts";
import type { SchemaIssue } from "../../schema/standard-schema.ts";
import { isThenable } from "../../schema/values.ts";
import { MinuteLimit } from "./minute-limit.ts";

/** A report that a server refused a client, and why; see `onRefused`. */
export interface RefusalReport {
  /**
   * The kind of refusal. `"handshake"`: a request for a WebSocket, or an ordinary request to a `ws:` route
   * (426). `"request"`: any other HTTP request, or bytes that are not HTTP. `"connection"`: the server
   * closed an open WebSocket.
   */
  readonly what: "handshake" | "request" | "connection";
  /** `"application"` if `authorize` returned a `Response`, otherwise `"library"`. */
  readonly by: "library" | "application";
  /** The HTTP status of the response; undefined for a connection. */
  readonly status: number | undefined;
  /** The close code (RFC 6455 7.4); undefined for a handshake or a request. */
  readonly closeCode: number | undefined;
  /** The reason in one sentence, for a log. Contains no text from the peer. */
  readonly reason: string;
  /** The name of the server or route option that led to the refusal; undefined if there is none. */
  readonly option: string | undefined;
  /** The issues that the route's schema found in a message, if the connection was closed because of them. */
  readonly issues: readonly SchemaIssue[] | undefined;
  /** The `Origin` header as the peer sent it. Several values are joined by commas. */
  readonly origin: string | undefined;
  /** The host that the client asked for: the `Host` header, or the host that a trusted proxy reports. */
  readonly host: string | undefined;
  /** The key of the route; undefined if the server refused the request before it found a route. */
  readonly route: string | undefined;
  /** The client's IP address, as a trusted proxy reports it. Empty if the connection has ended. */
  readonly remoteAddress: string;
}

/**
 * Receives a report of each refusal. The server ignores the result. If the listener throws or rejects, the
 * error is printed to the console, at most once a minute, and the client is still refused.
 */
export type RefusalListener = (refusal: RefusalReport) => unknown;

/** The refused client. The reporter reads it only if it reports, so getters may be expensive. */
export interface RefusedPeer {
  /** The values of all `Origin` headers. */
  readonly origins: readonly string[];
  /** The host, or an empty string. */
  readonly host: string;
  readonly remoteAddress: string;
  /** The path without the query, for the console and the debug log; undefined if it is not known. */
  readonly pathname?: string | undefined;
}

/** The part of a report that does not describe the client. */
export type RefusalDetails = Pick<RefusalReport, "what" | "reason"> &
  Partial<Omit<RefusalReport, "what" | "reason" | keyof RefusedPeer | "origin">>;

export interface RefusalEnvironment {
  /** Whether to hide details for developers from the console and from peers. */
  readonly isProduction: () => boolean;
  /** A monotonic clock in milliseconds. */
  readonly nowMs: () => number;
  readonly log: DebugLog;
}

/** Reports refusals to the listener, or prints them if there is none. */
export class RefusalReporter {
  readonly #listener: RefusalListener | undefined;
  readonly #environment: RefusalEnvironment;
  readonly #limit: MinuteLimit;

  constructor(listener: RefusalListener | undefined, environment: RefusalEnvironment) {
    this.#listener = listener;
    this.#environment = environment;
    this.#limit = new MinuteLimit(environment.nowMs);
  }

  /** Whether responses may name the option to set, which helps developers. */
  get isVerbose(): boolean {
    return !this.#environment.isProduction();
  }

  /**
   * Reports one refusal. Call it once for each refused handshake, request or connection. Never throws.
   * Without a listener, it prints at most one line per minute for each kind, and nothing in production.
   */
  report(details: RefusalDetails, peer: RefusedPeer): void {
    const { log } = this.#environment;
    if (log.isEnabled) log.write(() => logLine(toReport(details, peer), peer.pathname));
    try {
      if (this.#listener !== undefined) this.#notify(this.#listener, toReport(details, peer));
      else if (this.isVerbose && this.#limit.take(kindOf(details))) {
        console.warn(consoleLine(toReport(details, peer), peer.pathname));
      }
    } catch (error) {
      this.#onFailure(error);
    }
  }

  /** Reports an HTTP response that refuses a handshake or another request; see {@link report}. */
  reportResponse(
    what: RefusalReport["what"],
    { status, message, reason = message, option }: HttpRefusal,
    peer: RefusedPeer,
    route?: string,
  ): void {
    this.report({ what, status, reason, option, route }, peer);
  }

  #notify(listener: RefusalListener, report: RefusalReport): void {
    const result = listener(report);
    if (isThenable(result)) {
      Promise.resolve(result).catch((error: unknown) => this.#onFailure(error));
    }
  }

  /** Prints an error of the listener, which must affect neither the peer nor the server. */
  #onFailure(error: unknown): void {
    if (this.#limit.take("a failure of the listener")) printError(error);
  }
}

function toReport(details: RefusalDetails, peer: RefusedPeer): RefusalReport {
  const { what, by = "library", status, closeCode, reason, option, issues, route } = details;
  const { origins, host, remoteAddress } = peer;
  return {
    what,
    by,
    status,
    closeCode,
    reason,
    option,
    issues,
    origin: origins.length === 0 ? undefined : origins.join(", "),
    host: host === "" ? undefined : host,
    route,
    remoteAddress,
  };
}

/** The kind of a refusal, without data from the peer, so that the number of kinds is bounded. */
function kindOf({ what, by, status, closeCode, option }: RefusalDetails): string {
  return `${what} ${by} ${status} ${closeCode} ${option}`;
}

/** The line that is printed if there is no listener. It names the route, or the path if no route is known. */
function consoleLine(report: RefusalReport, pathname: string | undefined): string {
  const facts = describe(report, report.route === undefined ? pathname : undefined);
  return (
    `tideway: ${deciderOf(report)} ${verbOf(report)} a ${report.what} with ${codeOf(report)}: ` +
    `${facts} Each kind of refusal is printed once a minute; ` +
    `set onRefused to get all of them.`
  );
}

/**
 * The line for the debug log. Like the other lines there, it begins with the subject. It leaves out the issues of
 * a schema, which may quote the peer's message.
 */
function logLine(report: RefusalReport, pathname: string | undefined): string {
  const lead = `${report.what} ${verbOf(report)} with ${codeOf(report)} by ${deciderOf(report)}`;
  return `${lead}: ${describe({ ...report, issues: undefined }, pathname)}`;
}

function verbOf({ what }: RefusalReport): string {
  return what === "connection" ? "closed" : "refused";
}

function codeOf({ status, closeCode }: RefusalReport): number | undefined {
  return status ?? closeCode;
}

function deciderOf({ by }: RefusalReport): string {
  return by === "application" ? "the application" : "the server";
}

/** The reason, the client and the option of a refusal. */
function describe(report: RefusalReport, pathname?: string): string {
  const { reason, option, issues, origin, host, route, remoteAddress } = report;
  const facts = [
    ...(pathname === undefined ? [] : [`path ${quoteStart(pathname)}`]),
    `origin ${origin === undefined ? "none" : quoteStart(withoutSecrets(origin))}`,
    `host ${host === undefined ? "none" : quoteStart(withoutSecrets(host))}`,
    ...(route === undefined ? [] : [`route ${quote(route)}`]),
    `address ${remoteAddress || "unknown"}`,
  ];
  const [issue] = issues ?? [];
  const finding = issue === undefined ? "" : `, ${quoteStart(String(issue.message))}`;
  const advice = option === undefined ? "" : ` The option that decides this: ${option}.`;
  return `${withoutPeriod(reason)}${finding} (${facts.join(", ")}).${advice}`;
}

/**
 * Removes user names, passwords and queries. A valid origin or host has none of them, but a faulty client may
 * send them.
 */
function withoutSecrets(text: string): string {
  const [shown] = text.split(/[?#]/, 1);
  const start = shown.lastIndexOf("@") + 1;
  if (start === 0) return shown;
  const schemeEnd = shown.indexOf("://") + 3;
  return `${schemeEnd > 2 && schemeEnd < start ? shown.slice(0, schemeEnd) : ""}${shown.slice(start)}`;
}

/** The maximum number of characters to quote from a peer. */
const MAX_QUOTED_CHARS = 200;

/** Quotes the first 200 characters of a peer's text, and escapes unsafe ones. */
export function quoteStart(text: string): string {
  return quote(text.slice(0, MAX_QUOTED_CHARS));
}

function withoutPeriod(sentence: string): string {
  return sentence.replace(/\.$/, "");
}
