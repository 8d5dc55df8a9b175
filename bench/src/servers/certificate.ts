import { readFileSync } from "node:fs";

/** The certificate and the key whose paths the program was started with. */
export function certificate(): { readonly cert: string; readonly key: string } {
  const [cert, key] = process.argv.slice(2);
  return { cert: readFileSync(cert, "utf8"), key: readFileSync(key, "utf8") };
}
