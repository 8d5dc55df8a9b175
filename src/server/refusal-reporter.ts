import type { DebugLog } from "../errors/debug-log.ts";
import { quote } from "../errors/quote.ts";
import type { HttpRefusal } from "../protocol/handshake/http-refusal.ts";
import { MinuteLimit } from "./minute-limit.ts";
import type { SchemaIssue } from "./standard-schema.ts";
import { printError } from "./report.ts";
import { isThenable } from "./values.ts";

/** What a server refused, and why; see `onRefused`. */
export interface RefusalReport {
  /**
   * What was refused: `"handshake"` for a request that asks for a WebSocket, or that asks for the
   * page of a `ws:` route (426); `"request"` for any other HTTP request and for bytes that are not
   * HTTP; `"connection"` for an open WebSocket that the server closes.
   */
  readonly what: "handshake" | "request" | "connection";
  /** `"application"` where `authorize` returned a `Response`, otherwise `"library"`. */
  readonly by: "library" | "application";
  /** The HTTP status of the answer; undefined for a connection. */
  readonly status: number | undefined;
  /** The close code (RFC 6455 7.4); undefined unless a connection was closed. */
  readonly closeCode: number | undefined;
  /** The reason in one sentence, for a log. Contains no text from the peer. */
  readonly reason: string;
  /** The name of the option, of the server or the route, that decides this; undefined if none does. */
  readonly option: string | undefined;
  /** The issues that the route's schema found, if they closed the connection. */
  readonly issues: readonly SchemaIssue[] | undefined;
  /** The `Origin` as the peer sent it; several are joined by commas, undefined without one. */
  readonly origin: string | undefined;
  /** The host as the peer sent it, or as a trusted proxy reports it; undefined without one. */
  readonly host: string | undefined;
  /** The key of the route; undefined if the request did not reach one. */
  readonly route: string | undefined;
  /** The client's address, as a trusted proxy reports it; empty if the connection has ended. */
  readonly remoteAddress: string;
}

/**
 * Gets a report of each refusal. The result of the listener is ignored. If it throws or rejects, the
 * error is printed to the console at most once a minute, and the refusal stays as it is.
 */
export type RefusalListener = (refusal: RefusalReport) => unknown;

/** The refused client. Read only if the refusal is reported, so getters may be expensive. */
export interface RefusedPeer {
  /** The values of all `Origin` fields. */
  readonly origins: readonly string[];
  /** The empty string without one. */
  readonly host: string;
  readonly remoteAddress: string;
  /** The path without the query, for the debug log; undefined if it is not known. */
  readonly pathname?: string | undefined;
}

/** The facts of a refusal apart from the client. */
export type RefusalDetails = Pick<RefusalReport, "what" | "reason"> &
  Partial<Omit<RefusalReport, "what" | "reason" | keyof RefusedPeer | "origin">>;

export interface RefusalEnvironment {
  /** Whether to hide details for developers from the console and from peers. */
  readonly isProduction: () => boolean;
  /** The time in milliseconds, by a monotonic clock. */
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

  /** Whether responses may name the option to set, to help a developer. */
  get isVerbose(): boolean {
    return !this.#environment.isProduction();
  }

  /**
   * Reports one refusal. Call it once for every handshake, request or connection that is refused.
   * Never throws. Without a listener it prints one line per kind and minute, and nothing in
   * production.
   */
  report(details: RefusalDetails, peer: RefusedPeer): void {
    const { log } = this.#environment;
    if (log.isEnabled) log.write(() => logLine(toReport(details, peer), peer.pathname));
    try {
      if (this.#listener !== undefined) this.#notify(this.#listener, toReport(details, peer));
      else if (this.isVerbose && this.#limit.take(kindOf(details))) {
        console.warn(consoleLine(toReport(details, peer)));
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

  /** An error of the listener affects neither the peer nor the server. */
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

/** The kind of a refusal. Excludes the peer's data, so that the number of kinds is bounded. */
function kindOf({ what, by, status, closeCode, option }: RefusalDetails): string {
  return `${what} ${by} ${status} ${closeCode} ${option}`;
}

/** The line for a developer's console. */
function consoleLine(report: RefusalReport): string {
  return (
    `tideway: ${deciderOf(report)} ${verbOf(report)} a ${report.what} with ${codeOf(report)}: ` +
    `${describe(report)} This kind of refusal is printed once a minute; ` +
    `set onRefused to get each one.`
  );
}

/** The line for the debug log. It begins with what was refused, as the other lines there do. */
function logLine(report: RefusalReport, pathname: string | undefined): string {
  const lead = `${report.what} ${verbOf(report)} with ${codeOf(report)} by ${deciderOf(report)}`;
  return `${lead}: ${describe(report, pathname)}`;
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
    `origin ${origin === undefined ? "none" : quoteStart(origin)}`,
    `host ${host === undefined ? "none" : quoteStart(host)}`,
    ...(route === undefined ? [] : [`route ${quote(route)}`]),
    `address ${remoteAddress || "unknown"}`,
  ];
  const [issue] = issues ?? [];
  const finding = issue === undefined ? "" : `, ${quoteStart(String(issue.message))}`;
  const advice = option === undefined ? "" : ` The option that decides this: ${option}.`;
  return `${withoutPeriod(reason)}${finding} (${facts.join(", ")}).${advice}`;
}

/** How many characters of a peer's text are quoted. */
const MAX_QUOTED_CHARS = 200;

/** Quotes the first 200 characters of a peer's text, and escapes unsafe ones. */
export function quoteStart(text: string): string {
  return quote(text.slice(0, MAX_QUOTED_CHARS));
}

function withoutPeriod(sentence: string): string {
  return sentence.replace(/\.$/, "");
}
