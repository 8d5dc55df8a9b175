import { readFileSync } from "node:fs";

const read = (name: string): string =>
  readFileSync(new URL(`./certificates/${name}`, import.meta.url), "utf8");

/** A certificate for `localhost` that is signed by itself: clients accept it if it is their `ca`. */
export const CERT = read("localhost.crt");

/** The certificate and its key, for a server. */
export const TLS = { cert: CERT, key: read("localhost.key") };
