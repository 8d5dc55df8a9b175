import { execFile } from "node:child_process";
import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { describeInOverrideProject } from "./support/with-override.ts";

const run = promisify(execFile);

const require = createRequire(import.meta.url);

const versionOf = (name: string): string =>
  (require(`${name}/package.json`) as { version: string }).version;

/** The dependencies of the application. Its copy of `ws` is not the copy of express-ws, which needs version 7. */
const DEPENDENCIES = { express: versionOf("express"), "express-ws": versionOf("express-ws") };

/** Runs npm in a project, and returns its output. */
async function npm(project: string, ...args: readonly string[]): Promise<string> {
  const options = { cwd: project, shell: process.platform === "win32" };
  const flags = ["--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund"];
  return (await run("npm", [...args, ...flags], options)).stdout;
}

async function writeManifest(project: string, manifest: object): Promise<void> {
  await writeFile(join(project, "package.json"), JSON.stringify({ private: true, ...manifest }));
}

describeInOverrideProject((packed) => {
  it("npm install and npm update replace every copy of ws that a project has installed", async () => {
    const project = await mkdtemp(join(tmpdir(), "tideway-switch-"));
    try {
      await writeManifest(project, { dependencies: { ...DEPENDENCIES, ws: versionOf("ws") } });
      await npm(project, "install");
      const lock = await readFile(join(project, "package-lock.json"), "utf8");
      expect(lock).toContain("node_modules/express-ws/node_modules/ws");

      await writeManifest(project, {
        dependencies: {
          ...DEPENDENCIES,
          tideway: `file:${join(packed, `tideway-${versionOf("tideway")}.tgz`)}`,
          ws: `file:${join(packed, `tideway-ws-${versionOf("tideway")}.tgz`)}`,
        },
        overrides: { ws: "$ws" },
      });
      await npm(project, "install");
      await npm(project, "update");
      expect(await npm(project, "ls", "ws")).toMatch(/express-ws.*\n.*tideway-ws@[\d.]+ deduped/);

      await copyFile(
        join(import.meta.dirname, "programs/every-copy.mjs"),
        join(project, "every-copy.mjs"),
      );
      const { stdout } = await run(process.execPath, ["every-copy.mjs"], { cwd: project });
      expect(stdout).toBe("passed\n");
    } finally {
      await rm(project, { recursive: true });
    }
  }, 240_000);
});
