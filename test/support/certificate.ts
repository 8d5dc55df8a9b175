import { readFileSync } from "node:fs";
import { join } from "node:path";

// In the DOM environments, vite would treat `new URL(..., import.meta.url)` as an asset of a page.
const read = (name: string): string =>
  readFileSync(join(import.meta.dirname, "certificates", name), "utf8");

/** A self-signed certificate for `localhost`. Clients accept it if it is their `ca`. */
export const CERT = read("localhost.crt");

/** The certificate and its key, for a server. */
export const TLS = { cert: CERT, key: read("localhost.key") };
