import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { arch } from "node:process";

/** Bun's program as npm's package `bun` would fetch it, without a script that runs at installing. */
const PACKAGES: Readonly<Record<string, string>> = {
  x64: "@oven/bun-linux-x64",
  arm64: "@oven/bun-linux-aarch64",
};

/** The Bun that npm has installed, or `undefined` where it has none for this machine. */
export const bunPath: string | undefined = findBun();

/** Its version, or `undefined`. */
export function bunVersion(): string | undefined {
  return bunPath === undefined ? undefined : versionOf(bunPath);
}

function findBun(): string | undefined {
  try {
    const path = createRequire(import.meta.url).resolve(`${PACKAGES[arch]}/bin/bun`);
    // It may be there and not run, on an old processor for one.
    versionOf(path);
    return path;
  } catch {
    return undefined;
  }
}

function versionOf(path: string): string {
  return execFileSync(path, ["--version"], { encoding: "utf8" }).trim();
}
