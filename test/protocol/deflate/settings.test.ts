import { expect, it } from "vitest";
import { resolveCompression } from "../../../src/protocol/deflate/settings.ts";

const resolve = (compression: unknown): unknown =>
  resolveCompression(compression as never, "dedicated", "the caller");

it("compression is off for false, and has all defaults for true and for no options", () => {
  expect(resolve(false)).toBeUndefined();
  const defaults = { context: "dedicated", thresholdBytes: 1024, windowBits: 13, level: 3 };
  expect(resolve(true)).toEqual(defaults);
  expect(resolve({})).toEqual(defaults);
  expect(resolve({ context: undefined, level: undefined })).toEqual(defaults);
  expect(resolveCompression(true, "shared", "")).toEqual({ ...defaults, context: "shared" });
});

it.each([
  { context: "shared", thresholdBytes: 0, windowBits: 9, level: 1 },
  { context: "dedicated", thresholdBytes: Number.MAX_SAFE_INTEGER, windowBits: 15, level: 9 },
])("compression accepts the first and the last value of each option: %j", (options) => {
  expect(resolve(options)).toEqual(options);
});

const OPTIONS = "a boolean or an object of options";
const THRESHOLD = "an integer, 0 or more";

it.each([
  [null, "compression is null", OPTIONS],
  ["yes", 'compression is "yes"', OPTIONS],
  [{ context: "none" }, 'compression.context is "none"', '"shared" or "dedicated"'],
  [{ context: null }, "compression.context is null", '"shared" or "dedicated"'],
  [{ thresholdBytes: -1 }, "compression.thresholdBytes is -1", THRESHOLD],
  [{ thresholdBytes: 2 ** 53 }, "compression.thresholdBytes is 9007199254740992", THRESHOLD],
  [{ windowBits: 8 }, "compression.windowBits is 8", "an integer from 9 to 15"],
  [{ windowBits: 16 }, "compression.windowBits is 16", "an integer from 9 to 15"],
  [{ windowBits: "9" }, 'compression.windowBits is "9"', "an integer from 9 to 15"],
  [{ level: 0 }, "compression.level is 0", "an integer from 1 to 9"],
  [{ level: 10 }, "compression.level is 10", "an integer from 1 to 9"],
  [{ level: 2.5 }, "compression.level is 2.5", "an integer from 1 to 9"],
])("compression refuses %j: %s; it must be %s", (options, what, expected) => {
  expect(() => resolve(options)).toThrow(
    expect.objectContaining({
      name: "UsageError",
      code: "INVALID_OPTION",
      message: `the caller: ${what}; it must be ${expected}`,
    }),
  );
});

it("compression refuses an unknown option by its name", () => {
  expect(() => resolve({ threshold: 5 })).toThrow(
    expect.objectContaining({
      code: "INVALID_OPTION",
      message: "the caller: there is no option compression.threshold",
    }),
  );
});
