import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("../servers/tideway/fast-paths.js", import.meta.url));

/**
 * Describes whether this Node.js has the undocumented APIs that the fast paths of the package need. Without
 * them, the bench measures the documented APIs.
 */
export function describeFastPaths(): string {
  const env = { ...process.env, NODE_DEBUG: "tideway" };
  const { status, stderr } = spawnSync(process.execPath, [PROGRAM], { encoding: "utf8", env });
  if (status !== 0) return `unknown, because the check failed: ${stderr.trim().split("\n").at(-1)}`;
  return unusedIn(stderr);
}

/** Finds the fast paths that are not used in the debug log of the package. */
export function unusedIn(log: string): string {
  const unused = [...log.matchAll(/fast path not used: (.*?), because/g)].map(([, name]) => name);
  return unused.length === 0 ? "all in use" : `not in use: ${unused.join("; ")}`;
}
