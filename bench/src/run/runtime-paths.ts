import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { arch } from "node:process";
import type { Runtime } from "../programs.ts";

/** The packages with the executable of Bun. The package `bun` would need an install script. */
const BUN: Readonly<Record<string, string>> = {
  x64: "@oven/bun-linux-x64/bin/bun",
  arm64: "@oven/bun-linux-aarch64/bin/bun",
};

const DENO: Readonly<Record<string, string>> = {
  x64: "@deno/linux-x64-glibc/deno",
  arm64: "@deno/linux-arm64-glibc/deno",
};

/** The path of Bun; undefined if npm has not installed it for this machine. */
export const bunPath: string | undefined = find(BUN, import.meta.url);

/** The path of Deno; undefined if `npm run test:runtimes` has not installed it in `test/runtimes`. */
export const denoPath: string | undefined = find(
  DENO,
  new URL("../../../test/runtimes/", import.meta.url),
);

/** The path of a runtime; undefined if it is not installed. */
export function runtimePath(runtime: Runtime): string | undefined {
  if (runtime === "node") return process.execPath;
  return runtime === "bun" ? bunPath : denoPath;
}

function find(packages: Readonly<Record<string, string>>, from: string | URL): string | undefined {
  try {
    const path = createRequire(from).resolve(packages[arch] ?? "");
    // The runtime may be installed but unable to run, for example on an old processor.
    versionOf(path);
    return path;
  } catch {
    return undefined;
  }
}

/** The version of a runtime, without details in further words and lines. */
export function versionOf(path: string): string {
  const text = execFileSync(path, ["--version"], { encoding: "utf8" });
  return /\d\S*/.exec(text)?.[0] ?? text.trim();
}
