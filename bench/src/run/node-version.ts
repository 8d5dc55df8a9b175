import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { arch, platform } from "node:process";
import { fileURLToPath } from "node:url";

/** The folder into which the tests install other versions of Node.js. */
const FOLDER = fileURLToPath(new URL("../../../test/runtimes/", import.meta.url));

/** Whether this process runs in the given major version of Node.js. */
export function isNode(major: string): boolean {
  return process.versions.node.split(".", 1)[0] === major;
}

/**
 * Runs this program again in another major version of Node.js, which npm installs if it is missing. Returns
 * its exit code.
 *
 * @throws Error if there is no such version in `test/runtimes`, or if npm fails
 */
export function runIn(major: string): number {
  const path = `${FOLDER}node_modules/node${major}-${platform}-${arch}/bin/node`;
  if (!existsSync(path)) install();
  if (!existsSync(path)) {
    throw new Error(`--node ${major}: test/runtimes/package.json has no Node.js ${major}`);
  }
  return spawnSync(path, process.argv.slice(1), { stdio: "inherit" }).status ?? 1;
}

function install(): void {
  console.log("Installing other versions of Node.js into test/runtimes (740 MB).");
  // The packages contain the programs, so no install script is needed.
  const argv = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
  const { status } = spawnSync("npm", argv, { cwd: FOLDER, stdio: "inherit" });
  if (status !== 0) throw new Error("npm ci in test/runtimes failed");
}
