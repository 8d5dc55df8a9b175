// Runs the tests of docs/guides/testing.md as they are written there.
import { execFile } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { codeBlocks } from "./code-blocks.ts";

const page = "docs/guides/testing.md";
const folder = join(import.meta.dirname, "../../test-artefacts/testing-guide");
mkdirSync(folder, { recursive: true });

/** The other blocks need a server or client of another package. */
const tests = codeBlocks(page).filter((code) => code.includes('from "vitest"'));

describe.each([...tests.entries()])("block %i of the testing guide", async (at, code) => {
  const path = join(folder, `block-${at}.ts`);
  writeFileSync(path, code);
  // The block registers its tests in this suite.
  await import(/* @vite-ignore */ path);
});

it("the tests for node:test in the testing guide pass", async () => {
  const [code] = codeBlocks(page, "js");
  const path = join(folder, "node.test.mjs");
  writeFileSync(path, code);
  const { stdout } = await promisify(execFile)(process.execPath, ["--test", path], {
    // Without it, node:test would report to the runner of this test.
    env: { ...process.env, NODE_TEST_CONTEXT: undefined },
  });
  expect(stdout).toMatch(/pass 1\n/);
});
