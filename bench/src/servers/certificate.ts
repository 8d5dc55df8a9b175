import { readFileSync } from "node:fs";

/** Reads the certificate and the key, with the paths in the arguments of the program. */
export function certificate(): { readonly cert: string; readonly key: string } {
  const [cert, key] = process.argv.slice(2);
  return { cert: readFileSync(cert, "utf8"), key: readFileSync(key, "utf8") };
}
