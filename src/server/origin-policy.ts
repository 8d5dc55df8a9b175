import { UsageError } from "../errors/index.ts";
import { type HttpRefusal, refuse } from "../protocol/handshake/http-refusal.ts";
import { shown } from "./options.ts";
import { quoteStart } from "./refusal-reporter.ts";
import { isThenable } from "./values.ts";

/**
 * Which web pages may connect. A browser names the page's origin in every opening handshake (RFC
 * 6455 10.2); without a check, any page that a user visits could use that user's cookies here.
 *
 * - `"same-origin"`, the default: pages of the host and port that the request is for. Where this
 *   server ends TLS itself, the page must have come by https.
 * - a list of origins, such as `"https://example.com"`, `"chrome-extension://<id>"`,
 *   `"moz-extension://<id>"`, `"file://"`, or `"null"`, which pages of files, sandboxed frames and
 *   others share
 * - a function, called for every request that has exactly one `Origin` field, with any value. Only
 *   the result `true` accepts the page. The function cannot be async: use `authorize` for that. A
 *   thrown error refuses the page and is reported. So is a result other than `true` or `false`, at
 *   most once a minute.
 * - `"*"`: any page; only for what needs no protection at all
 *
 * A client that sends no `Origin` is not a browser and could send any, so it is always accepted. A request
 * with several `Origin` fields is always refused.
 */
export type OriginPolicy =
  | "same-origin"
  | "*"
  | readonly string[]
  | ((origin: string, request: Request) => boolean);

/** The request fields used for the origin check. */
export interface OriginClaim {
  /** The values of all `Origin` fields. */
  readonly origins: readonly string[];
  /** The value of `Host`. */
  readonly host: string;
  /** Whether the connection uses TLS, and this server decrypts it. */
  readonly isSecure: boolean;
  readonly request: Request;
}

export type OriginCheck = (claim: OriginClaim) => boolean;

/** scheme "://" host [ ":" port ] (RFC 6454 6.2); the host of a file is empty. */
const ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/[^\s/?#@\\]*$/i;

/** An opaque origin (RFC 6454 6.1). */
const OPAQUE = "null";

/**
 * Compiles a policy. The check throws only what a policy function throws.
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
 * The response to a request whose origins are not allowed. The body quotes the client, and `nosniff` makes
 * browsers treat it as text.
 *
 * @param isVerbose whether to name the option to set
 */
export function wrongOrigin(
  [origin = "", ...more]: readonly string[],
  isVerbose: boolean,
): HttpRefusal {
  const details = { option: "origins", headers: { "X-Content-Type-Options": "nosniff" } };
  if (more.length > 0) return refuse(403, "The request has several Origin fields.", details);
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
      `origins is ${shown(policy)}, not "same-origin", "*", a list of origins, or a function`,
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
  // Behind a proxy that ends TLS, the scheme seen here is not the page's.
  if (isSecure ? scheme !== "https" : scheme !== "https" && scheme !== "http") return false;
  return parseOrigin(`${scheme}://${host}`) === origin;
}

/** Whether `origins` returned `true`. @throws UsageError for a promise or another type. */
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
  throw new UsageError("INVALID_ORIGIN", "origins is an async function: use authorize instead");
}

function parseListed(origin: string): string {
  const parsed = typeof origin === "string" ? parseOrigin(origin) : undefined;
  if (parsed !== undefined) return parsed;
  throw new UsageError(
    "INVALID_ORIGIN",
    `${shown(origin)} in origins is not an origin, such as "https://example.com"`,
  );
}

/** Returns the origin in lower case without a default port; undefined if `text` is not an origin. */
function parseOrigin(text: string): string | undefined {
  if (text === OPAQUE) return OPAQUE;
  if (!ORIGIN.test(text)) return undefined;
  const url = parseUrl(text);
  // URL has no origin for unknown schemes, such as those of browser extensions.
  return url?.origin === "null" ? text.toLowerCase() : url?.origin;
}

/** Not by URL.canParse: after optimization, Node.js 20 and 22 refuse characters beyond ASCII. */
function parseUrl(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}
