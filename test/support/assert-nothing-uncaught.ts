import { afterAll, afterEach, expect } from "vitest";
import { uncaughtErrorsReported } from "./uncaught-errors.ts";

/**
 * Fails the test that leaves an error uncaught. The test runner alone would fail the run without
 * naming a test.
 */
const uncaught: unknown[] = [];
const collect = (error: unknown): void => void uncaught.push(error);
process.on("uncaughtException", collect).on("unhandledRejection", collect);

async function assertNothingUncaught(): Promise<void> {
  await uncaughtErrorsReported();
  expect(uncaught.splice(0), "uncaught errors").toEqual([]);
}

afterEach(assertNothingUncaught);
afterAll(async () => {
  try {
    await assertNothingUncaught();
  } finally {
    // Without isolation the next file runs in this process too.
    process.off("uncaughtException", collect).off("unhandledRejection", collect);
  }
});
