import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { arch } from "node:process";

/** The packages with the executable of Bun. The package `bun` would need an install script. */
const PACKAGES: Readonly<Record<string, string>> = {
  x64: "@oven/bun-linux-x64",
  arm64: "@oven/bun-linux-aarch64",
};

/** The path of Bun; undefined if npm has not installed it for this machine. */
export const bunPath: string | undefined = findBun();

/** The version of Bun, or undefined. */
export function bunVersion(): string | undefined {
  return bunPath === undefined ? undefined : versionOf(bunPath);
}

function findBun(): string | undefined {
  try {
    const path = createRequire(import.meta.url).resolve(`${PACKAGES[arch]}/bin/bun`);
    // Bun may be installed but unable to run, for example on an old processor.
    versionOf(path);
    return path;
  } catch {
    return undefined;
  }
}

function versionOf(path: string): string {
  return execFileSync(path, ["--version"], { encoding: "utf8" }).trim();
}
