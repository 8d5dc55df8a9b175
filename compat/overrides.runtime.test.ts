import { execFile } from "node:child_process";
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { NODE_RELEASES } from "../test/support/runtimes.ts";
import { describeWithRuntime } from "../test/support/with-runtime.ts";
import { describeInOverrideProject } from "./support/with-override.ts";

const run = promisify(execFile);

/** Copies a program into a project, so that it finds the packages there, and runs it. */
async function runIn(project: string, program: string, node: string): Promise<string> {
  await copyFile(join(import.meta.dirname, "programs", program), join(project, program));
  const { stdout, stderr } = await run(node, [program], { cwd: project });
  return stderr + stdout;
}

describe.each(NODE_RELEASES)("an npm override that replaces ws with tideway-ws on", (runtime) => {
  describeWithRuntime(runtime, (node) => {
    describeInOverrideProject((project) => {
      it.each(["common-js.cjs", "es-module.mjs"])(
        "runs packages that import ws: %s",
        async (program) => {
          expect(await runIn(project, program, node)).toBe("passed\n");
        },
      );
    });
  });
});
