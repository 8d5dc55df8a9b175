import { BlockList, isIP } from "node:net";
import { domainToASCII } from "node:url";

/** A host without brackets, and a port. */
interface Endpoint {
  readonly host: string;
  readonly port: number;
}

type Rule = (endpoint: Endpoint) => boolean;

/**
 * Reads the value of `NO_PROXY`, as curl and undici do: entries separated by commas or spaces. A name also
 * matches its subdomains, and may begin with a dot or `*.`. Invalid entries match nothing.
 *
 * @returns a function that returns whether to connect to an endpoint directly
 */
export function readNoProxy(value: string): Rule {
  const rules = value
    .split(/[\s,]+/)
    .filter((entry) => entry !== "")
    .map(readEntry);
  return ({ host, port }) => {
    const endpoint = { host: host.toLowerCase().replace(/\.$/, ""), port };
    return rules.some((covers) => covers(endpoint));
  };
}

function readEntry(entry: string): Rule {
  if (entry === "*") return () => true;
  const { host, port } = splitPort(entry);
  const covers = hostRule(host);
  return (endpoint) => (port === undefined || endpoint.port === port) && covers(endpoint);
}

/** Splits a host from its port. An IPv6 address can have a port only after brackets. */
function splitPort(entry: string): { readonly host: string; readonly port?: number } {
  const [, bracketed, plain, port] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d+))?$/.exec(entry) ?? [];
  const host = bracketed ?? plain ?? entry;
  return { host, ...(port !== undefined && { port: Number(port) }) };
}

function hostRule(host: string): Rule {
  const [address, prefix, ...more] = host.split("/");
  const family = isIP(address);
  if (family === 0) return domainRule(host);
  const bits = prefix === undefined ? undefined : Number(prefix);
  const isValid = bits === undefined || (/^\d+$/.test(prefix) && bits <= (family === 4 ? 32 : 128));
  if (!isValid || more.length > 0) return () => false;
  const list = new BlockList();
  const type = family === 4 ? "ipv4" : "ipv6";
  if (bits === undefined) list.addAddress(address, type);
  else list.addSubnet(address, bits, type);
  return (endpoint) => {
    const version = isIP(endpoint.host);
    return version !== 0 && list.check(endpoint.host, version === 4 ? "ipv4" : "ipv6");
  };
}

function domainRule(name: string): Rule {
  const domain = domainToASCII(name.replace(/^\*?\.?/, "").replace(/\.$/, ""));
  if (domain === "") return () => false;
  return ({ host }) => host === domain || host.endsWith(`.${domain}`);
}
