import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { progressIn, type TestOutcome } from "./run-progress.ts";
import { runTests } from "./run-tests.ts";

const CONFIG = `export default {
  test: { globals: true, projects: [{ extends: true, test: { name: "node", isolate: false } }] },
};`;

/** The outcomes of a run of these test files, and of files that are missing, by the name of the file. */
async function outcomesOf(
  files: Readonly<Record<string, string>>,
  missing: readonly string[] = [],
): Promise<Record<string, Array<Pick<TestOutcome, "name" | "status">>>> {
  const root = await mkdtemp(join(tmpdir(), "tideway-run-tests-"));
  onTestFinished(() => rm(root, { recursive: true }));
  await writeFile(join(root, "vitest.config.mjs"), CONFIG);
  for (const [name, source] of Object.entries(files)) {
    await writeFile(join(root, `${name}.test.mjs`), source);
  }
  const outcomes = await runTests({
    runtime: "node20",
    program: process.execPath,
    files: [...Object.keys(files), ...missing].map((name) => `${name}.test.mjs`),
    isSerial: true,
    fileTimeoutMs: 5000,
    root,
  });
  return Object.fromEntries(
    Object.keys(files).map((key) => [
      key,
      outcomes
        .filter(({ file }) => file === relative(process.cwd(), join(root, `${key}.test.mjs`)))
        .map(({ name, status }) => ({ name, status })),
    ]),
  );
}

describe("a run of tests", () => {
  it("has the outcome of each test, with the names of its groups", async () => {
    const source = `
      describe("a group", () => {
        it("passes", () => {});
        it.skip("is skipped", () => {});
      });
      it("fails", () => expect(1).toBe(2));`;
    expect(await outcomesOf({ file: source, broken: "nonsense" })).toEqual({
      file: [
        { name: "a group passes", status: "passed" },
        { name: "a group is skipped", status: "skipped" },
        { name: "fails", status: "failed" },
      ],
      broken: [{ name: "(the whole file)", status: "failed" }],
    });
  });

  it.each([
    ["blocks its process", "it('blocks', () => { for (;;); });", "(did not end within 5 s)"],
    ["blocks when it is loaded", "for (;;);", "(did not end within 5 s)"],
    ["kills its process", "process.kill(process.pid, 'SIGKILL');", "(its process ended)"],
  ])("reports a file that %s, and runs the others", async (_what, source, reason) => {
    const passing = "it('passes', () => {});";
    expect(await outcomesOf({ a: passing, b: source, c: passing })).toEqual({
      a: [{ name: "passes", status: "passed" }],
      b: [{ name: reason, status: "failed" }],
      c: [{ name: "passes", status: "passed" }],
    });
  });

  it("has no outcomes without files", async () => {
    expect(await outcomesOf({})).toEqual({});
  });

  it("fails if vitest runs no file", async () => {
    const outcomes = outcomesOf({}, ["missing"]);
    await expect(outcomes).rejects.toThrow(/^vitest ran no test in .*; its output is in /);
  });
});

it("the progress of a run does not contain an incomplete line", () => {
  const lines = [
    { type: "planned", files: ["a", "b"] },
    { type: "begun", file: "a", atMs: 1 },
    { type: "ended", file: "a", outcomes: [{ file: "a", name: "x", status: "passed" }] },
    { type: "begun", file: "b", atMs: 2 },
  ].map((event) => JSON.stringify(event));
  expect(progressIn(`${lines.join("\n")}\n{"type":"en`)).toEqual({
    outcomes: [{ file: "a", name: "x", status: "passed" }],
    running: new Map([["b", 2]]),
    unfinished: new Set(["b"]),
  });
});
