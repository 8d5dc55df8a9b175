/**
 * The server under test: `tideway/bun` if that is the last argument, and `tideway/server` otherwise. It has the
 * type of `tideway/bun`, which contains only the parts of both.
 */
import type * as Tideway from "tideway/bun";

const name = process.argv.at(-1) === "tideway/bun" ? "tideway/bun" : "tideway/server";
const implementation = (await import(name)) as typeof Tideway;

export const serve: typeof Tideway.serve = implementation.serve;
