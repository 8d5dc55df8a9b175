import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";

const root = join(import.meta.dirname, "../..");

/** Runs the check on a new page in the repository. */
function check(text: string, ...args: string[]): { status: number | null; stdout: string } {
  const folder = mkdtempSync(join(root, "test/prose/fixture-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "page.md"), text);
  return spawnSync(
    process.execPath,
    ["scripts/run-bundled.mjs", "scripts/prose/main.ts", folder, ...args],
    { cwd: root, encoding: "utf8" },
  );
}

it("the check fails with the place, the sentence and the good form of each hit", () => {
  const { status, stdout } = check("A title\n\nThe caller has to wait.\n");
  expect(status).toBe(1);
  expect(stdout).toMatch(
    /page\.md:3:12: has to\n +The caller has to wait\.\n.*"The caller must wait\."/,
  );
});

it("the check succeeds without hits, and prints how many words it has read", () => {
  const { status, stdout } = check("The caller must wait.\n");
  expect(stdout).toContain("0 hits in 4 words of 1 files");
  expect(status).toBe(0);
});

it("the check counts the hits of each folder and pattern with --count", () => {
  const { status, stdout } = check("The caller has to wait.\n", "--count");
  expect(status).toBe(1);
  expect(stdout).toMatch(/1 {2}test\/prose: .* in 10,000 words\n[^]*1 {2}has to\n/);
});
