import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** The path of a program, or the reason for its absence. */
export type Availability =
  | { readonly path: string; readonly reason?: never }
  | { readonly path?: never; readonly reason: string };

/** The package that apt-get installs, and its purpose. */
export interface DebianPackage {
  readonly name: string;
  /** For messages. */
  readonly what: string;
}

/** Finds a program. If it is missing and the user is root, installs Debian's package with apt-get. */
export function findOrInstall(
  find: () => Availability,
  { name, what }: DebianPackage,
): Availability {
  const found = find();
  const isRoot = process.getuid?.() === 0;
  if (found.path !== undefined || process.platform !== "linux" || !isRoot) return found;
  if (!isExecutable("/usr/bin/apt-get")) return found;

  process.stderr.write(`${what} for the tests is missing; installing it with apt-get.\n`);
  aptGet(["update"]);
  // Only the second command matters: an index that cannot be fetched may not be needed.
  const installed = aptGet(["install", "-y", "--no-install-recommends", name]);
  const path = find().path;
  if (path !== undefined) return { path };
  return { reason: `no ${what} was found, and apt-get could not install it (${installed})` };
}

/** The path of one of `programs` in the `PATH`. */
export function onPath(
  programs: readonly string[],
  environment: NodeJS.ProcessEnv = process.env,
): readonly string[] {
  const folders = (environment["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
  return folders.flatMap((folder) => programs.map((program) => join(folder, program)));
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Runs apt-get with visible output after other runs of it. Returns how it ended. */
function aptGet(argv: readonly string[]): string {
  const { status, signal, error } = spawnSync(
    "apt-get",
    ["-o", "DPkg::Lock::Timeout=600", "-o", "Dpkg::Use-Pty=0", ...argv],
    {
      // Standard output is reserved for reporters.
      stdio: ["ignore", 2, 2],
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
      timeout: 8 * 60_000,
    },
  );
  if (error !== undefined) return error.message;
  return signal === null ? `exit status ${status}` : `ended by ${signal}`;
}
