import { invalidOption, shown } from "../../errors/check-options.ts";
import { UsageError } from "../../errors/index.ts";
import { type HttpRefusal, refuse } from "../../protocol/handshake/http-refusal.ts";
import { tryParseUrl } from "./try-parse-url.ts";

/** Returns whether the option `hosts` allows a value of `Host`. */
export type HostCheck = (host: string, isSecure: boolean) => boolean;

/** The response to a request with a host that is not in `hosts` (RFC 9110 15.5.20). */
export const WRONG_HOST: HttpRefusal = refuse(421, "This server does not serve that host.", {
  option: "hosts",
});

interface ListedHost {
  readonly hostname: string;
  /** An empty string allows any port. */
  readonly port: string;
}

/**
 * Compiles the option `hosts`; undefined allows all hosts. The check never throws.
 *
 * @param where the function that the application called, for error messages
 * @throws UsageError `INVALID_OPTION` unless `hosts` is a list of hosts
 */
export function compileHostPolicy(
  hosts: readonly string[] | undefined,
  where: "serve" | "attach",
): HostCheck {
  if (hosts === undefined) return () => true;
  if (!Array.isArray(hosts)) {
    throw invalidOption(where, "hosts", hosts, 'a list of hosts, such as ["example.com"]');
  }
  const listed = hosts.map((host) => parseListed(host, where));
  return (host, isSecure) => {
    const named = parseHost(host, isSecure ? "443" : "80");
    return named !== undefined && listed.some((one) => isSame(one, named));
  };
}

function isSame(listed: ListedHost, named: ListedHost): boolean {
  return listed.hostname === named.hostname && (listed.port === "" || listed.port === named.port);
}

function parseListed(host: unknown, where: string): ListedHost {
  const parsed = typeof host === "string" ? parseHost(host, "") : undefined;
  if (parsed !== undefined) return parsed;
  throw new UsageError(
    "INVALID_OPTION",
    `${where}: hosts contains ${shown(host)}; pass hosts such as "example.com" or "[::1]:8080"`,
  );
}

/** uri-host [ ":" port ] (RFC 9110 7.2), without characters that would end the host in a URL. */
const HOST = /^(?:\[[^\s/?#@\\[\]]+\]|[^\s/?#@\\[\]:*]+)(?::([0-9]*))?$/;

/**
 * Parses a host, and normalizes its name as the URL parser does: in lower case, and with addresses in
 * canonical form.
 */
function parseHost(text: string, defaultPort: string): ListedHost | undefined {
  const match = HOST.exec(text);
  const url = match === null ? undefined : tryParseUrl(`http://${text}`);
  if (url === undefined) return undefined;
  // The URL parser removes port 80 from an http URL.
  return { hostname: url.hostname, port: match?.[1] ? url.port || "80" : defaultPort };
}
