import { shown } from "../../errors/check-options.ts";
import { UsageError } from "../../errors/index.ts";
import { type HttpRefusal, refuse } from "../../protocol/handshake/http-refusal.ts";
import { isThenable } from "../../schema/values.ts";
import type { OriginPolicy } from "../options/application-options.ts";
import { quoteStart } from "../reports/refusal-reporter.ts";
import { tryParseUrl } from "./try-parse-url.ts";

/** The parts of a request that the origin check uses. */
export interface OriginClaim {
  /** The values of all `Origin` headers. */
  readonly origins: readonly string[];
  /** The value of `Host`. */
  readonly host: string;
  /** Whether the connection uses TLS, and this server decrypts it. */
  readonly isSecure: boolean;
  readonly request: Request;
}

export type OriginCheck = (claim: OriginClaim) => boolean;

/** scheme "://" host [ ":" port ] (RFC 6454 6.2). The host of a `file:` origin is empty. */
const ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/[^\s/?#@\\*]*$/i;

/** An opaque origin (RFC 6454 6.1). */
const OPAQUE = "null";

/**
 * Compiles a policy. The check throws only if a policy function throws or returns an invalid result.
 *
 * @throws UsageError `INVALID_ORIGIN` unless `policy` is valid
 */
export function compileOriginPolicy(policy: OriginPolicy): OriginCheck {
  if (policy === "*") return () => true;
  const isAllowed = compileSingle(policy);
  return (claim) => {
    const { origins } = claim;
    if (origins.length === 0) return true;
    return origins.length === 1 && isAllowed(origins[0], claim);
  };
}

/**
 * Creates the response to a request from an origin that the policy does not allow. The body quotes text from
 * the client, so `nosniff` makes browsers treat it as text.
 *
 * @param isVerbose whether to name the option to set
 */
export function wrongOrigin(
  [origin = "", ...more]: readonly string[],
  isVerbose: boolean,
): HttpRefusal {
  const details = { option: "origins", headers: { "X-Content-Type-Options": "nosniff" } };
  if (more.length > 0) return refuse(403, "The request has several Origin headers.", details);
  const problem = `Pages from ${quoteStart(origin)} may not connect.`;
  const advice =
    " To allow them, add this origin to the origins option of the server or the route.";
  const reason = "Pages from this origin may not connect.";
  return refuse(403, isVerbose ? problem + advice : problem, { ...details, reason });
}

type OriginTest = (origin: string, claim: OriginClaim) => boolean;

function compileSingle(policy: Exclude<OriginPolicy, "*">): OriginTest {
  if (policy === "same-origin") return isSameOrigin;
  if (typeof policy === "function") {
    return (origin, { request }) => isTrue(policy(parseOrigin(origin) ?? origin, request));
  }
  if (!Array.isArray(policy)) {
    throw new UsageError(
      "INVALID_ORIGIN",
      `origins is ${shown(policy)}; it must be "same-origin", "*", a list of origins, or a function`,
    );
  }
  const allowed = new Set(policy.map(parseListed));
  return (origin) => {
    const parsed = parseOrigin(origin);
    return parsed !== undefined && allowed.has(parsed);
  };
}

function isSameOrigin(claimed: string, { host, isSecure }: OriginClaim): boolean {
  const origin = parseOrigin(claimed);
  if (origin === undefined) return false;
  const scheme = origin.slice(0, origin.indexOf(":"));
  // A proxy may terminate TLS, so without TLS here the page may have either scheme.
  if (isSecure ? scheme !== "https" : scheme !== "https" && scheme !== "http") return false;
  return parseOrigin(`${scheme}://${host}`) === origin;
}

/** Whether the function `origins` returned `true`. @throws UsageError `INVALID_ORIGIN` unless a boolean */
function isTrue(answer: unknown): boolean {
  if (typeof answer === "boolean") return answer;
  if (!isThenable(answer)) {
    throw new UsageError(
      "INVALID_ORIGIN",
      `origins returned ${answer === null ? "null" : `a value of type ${typeof answer}`}; return true or false`,
    );
  }
  // An unhandled rejection would end the process.
  Promise.resolve(answer).catch(() => {});
  throw new UsageError(
    "INVALID_ORIGIN",
    "origins returned a promise; return true or false, and use authorize for async checks",
  );
}

function parseListed(origin: string): string {
  const parsed = typeof origin === "string" ? parseOrigin(origin) : undefined;
  // The origin of a page never has the scheme of the WebSocket.
  if (parsed !== undefined && !/^wss?:/.test(parsed)) return parsed;
  throw new UsageError("INVALID_ORIGIN", `origins contains ${shown(origin)}; ${adviceFor(origin)}`);
}

function adviceFor(origin: unknown): string {
  if (origin === "*") return 'to allow every page, pass "*" instead of a list';
  if (typeof origin === "string" && origin.includes("*"))
    return 'a list has no wildcards; pass a function such as (origin) => origin.endsWith(".example.com")';
  return 'pass origins of pages such as "https://example.com", without a path';
}

/** Returns the origin in lower case without a default port; undefined if `text` is not an origin. */
function parseOrigin(text: string): string | undefined {
  if (text === OPAQUE) return OPAQUE;
  if (!ORIGIN.test(text)) return undefined;
  const url = tryParseUrl(text);
  // The URL parser returns the origin "null" for schemes that it does not know, such as `chrome-extension`.
  return url?.origin === "null" ? text.toLowerCase() : url?.origin;
}
