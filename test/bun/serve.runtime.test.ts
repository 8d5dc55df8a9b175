/** Runs the tests of `tideway/bun`, and the conversations over it, in Bun. */
import { spawnSync } from "node:child_process";
import { expect, it } from "vitest";
import { describeWithRuntime } from "../support/with-runtime.ts";
import { BUN_SERVE } from "../suite/links.ts";

describeWithRuntime("bun", (path) => {
  it("serves every conversation with Bun.serve, and differs only as documented", () => {
    const { status, stdout, stderr } = spawnSync(
      path,
      ["--bun", "node_modules/vitest/vitest.mjs", "run", "--project", BUN_SERVE],
      { encoding: "utf8", env: { ...process.env, NO_COLOR: "1" } },
    );
    expect(`${stdout}${stderr}`).toMatch(/Tests +\d+ passed/);
    expect(status).toBe(0);
  }, 120_000);
});
