import { existsSync } from "node:fs";
import { expect, it } from "vitest";
import { isKnownToFail, isLeftOut, KNOWN_DIFFERENCES } from "./known-differences.ts";

it("a difference names files and folders that exist", () => {
  const paths = KNOWN_DIFFERENCES.flatMap(({ tests }) => tests.map(({ path }) => path));
  expect(paths.filter((path) => !existsSync(path))).toEqual([]);
});

it("a folder without names of tests is left out in its runtimes only", () => {
  const file = "test/node/internals/tcp/accepted-reads.test.ts";
  expect(isLeftOut("bun", file)).toBe(true);
  expect(isLeftOut("node24", file)).toBe(false);
});

it("a test that is known to fail does not leave out its file", () => {
  const file = "test/node/http/request-queue.test.ts";
  const name = "thousands of pipelined requests do not block the event loop";
  expect(isKnownToFail("bun", file, name)).toBe(true);
  expect(isKnownToFail("node24", file, name)).toBe(false);
  expect(isLeftOut("bun", file)).toBe(false);
});
