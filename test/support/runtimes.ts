import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import type { Availability } from "./debian.ts";

/**
 * The releases of Node.js that tests can start, whichever release runs the tests. `node20` is the oldest
 * release that the package supports.
 */
export const NODE_RELEASES = ["node20", "node22", "node24", "node26"] as const;

/** All runtimes that tests can start. */
export const RUNTIMES = [...NODE_RELEASES, "bun", "deno"] as const;

export type Runtime = (typeof RUNTIMES)[number];

export type Runtimes = Readonly<Record<Runtime, Availability>>;

/** Not a workspace: `npm ci` in the root does not download the runtimes. */
const FOLDER = resolve("test/runtimes");

/** Finds the runtimes in `test/runtimes`; on Linux installs them there if one is missing. */
export function ensureRuntimes(): Runtimes {
  const found = findRuntimes();
  if (process.platform !== "linux" || isComplete(found)) return found;
  process.stderr.write("Runtimes for the tests are missing; installing them with npm.\n");
  const failure = installRuntimes();
  const installed = findRuntimes();
  if (failure === undefined || isComplete(installed)) return installed;
  return mapRuntimes((name) =>
    installed[name].path !== undefined
      ? installed[name]
      : { reason: `${installed[name].reason}, and npm ci in test/runtimes failed (${failure})` },
  );
}

/** The arguments of a runtime before the file that it runs. */
export function launcherArguments(program: string): string[] {
  return basename(program) === "deno" ? ["run", "--allow-all"] : [];
}

/** Where a package of `test/runtimes` is installed. */
export function runtimePackage(name: string): string {
  return join(FOLDER, "node_modules", name);
}

function findRuntimes(): Runtimes {
  return mapRuntimes((name) => {
    const path = programOf(name);
    // An interrupted installation may have left an incomplete program.
    if (existsSync(path) && spawnSync(path, ["--version"]).status === 0) return { path };
    return { reason: `no ${name} for ${process.platform} ${process.arch} is in test/runtimes` };
  });
}

/** The path of a runtime's program, in the package for this platform. */
function programOf(name: Runtime): string {
  const { platform, arch } = process;
  if (name === "deno") return join(runtimePackage(`@deno/${platform}-${arch}-glibc`), "deno");
  if (name !== "bun") return join(runtimePackage(`${name}-${platform}-${arch}`), "bin/node");
  return join(
    runtimePackage(`@oven/bun-${platform}-${arch === "arm64" ? "aarch64" : arch}`),
    "bin/bun",
  );
}

function mapRuntimes(availabilityOf: (name: Runtime) => Availability): Runtimes {
  const entries = RUNTIMES.map((name) => [name, availabilityOf(name)] as const);
  return Object.fromEntries(entries) as Record<Runtime, Availability>;
}

function isComplete(runtimes: Runtimes): boolean {
  return (
    RUNTIMES.every((name) => runtimes[name].path !== undefined) &&
    existsSync(runtimePackage("undici"))
  );
}

/** Runs npm. Returns why it failed, or undefined if it succeeded. */
function installRuntimes(): string | undefined {
  // The packages contain the programs, so no install script is needed.
  const { status, signal, error } = spawnSync(
    "npm",
    ["ci", "--ignore-scripts", "--no-audit", "--no-fund"],
    {
      cwd: FOLDER,
      // Standard output is reserved for reporters.
      stdio: ["ignore", 2, 2],
      timeout: 8 * 60_000,
    },
  );
  if (error !== undefined) return error.message;
  if (status === 0) return undefined;
  return signal === null ? `exit status ${status}` : `ended by ${signal}`;
}
