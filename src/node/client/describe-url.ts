import { quote } from "../../errors/quote.ts";

/** Quotes a URL for the debug log, without its user name, password and query, which may contain secrets. */
export function describeUrl(url: string | URL): string {
  const { protocol, host, pathname } = new URL(url);
  return quote(`${protocol}//${host}${pathname}`);
}
