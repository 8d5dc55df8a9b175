import { describe, expect, it } from "vitest";
import {
  checkBoolean,
  checkCount,
  checkDelay,
  checkFunction,
  checkInteger,
  checkNames,
  checkOneOf,
  checkPositive,
  checkRecord,
  shown,
} from "../../src/errors/check-options.ts";

/** Returns the message of the error of a check. */
function refusalOf(check: () => void): string {
  try {
    check();
  } catch (error) {
    expect(error).toMatchObject({ name: "UsageError", code: "INVALID_OPTION" });
    return (error as Error).message;
  }
  throw new Error("the value was accepted");
}

const MAX_DELAY_MS = 2_147_483_647;

describe.each([
  ["checkBoolean", checkBoolean, [true, false], ["yes", 0, null], "true or false"],
  ["checkFunction", checkFunction, [Math.random], [{}, null], "a function"],
  ["checkInteger", checkInteger, [1, 2 ** 53 - 1], [0, 1.5, 2 ** 53, "1"], "an integer above 0"],
  [
    "checkCount",
    checkCount,
    [1, Infinity],
    [0, -Infinity, NaN, "1"],
    "an integer above 0, or Infinity",
  ],
  ["checkPositive", checkPositive, [0.5, Infinity], [0, -1, NaN, "1"], "a number above 0"],
  [
    "checkDelay",
    checkDelay,
    [0.5, MAX_DELAY_MS],
    [0, MAX_DELAY_MS + 1, NaN, "1"],
    `a number above 0 and at most ${MAX_DELAY_MS}`,
  ],
] as const)("%s", (_, check, valid, invalid, expected) => {
  it.each([undefined, ...valid])("accepts %o", (value) => {
    expect(() => check("serve", "name", value)).not.toThrow();
  });

  it.each([...invalid])("names the option, the value %o and what is allowed", (value) => {
    const message = `serve: name is ${shown(value)}; it must be ${expected}`;
    expect(refusalOf(() => check("serve", "name", value))).toBe(message);
  });
});

it("an integer has the limits of its option", () => {
  const check = (value: unknown, ...limits: readonly number[]) => {
    return () => checkInteger("serve", "port", value, ...limits);
  };
  expect(check(0, 0)).not.toThrow();
  expect(check(65_535, 0, 65_535)).not.toThrow();
  expect(refusalOf(check(-1, 0))).toBe("serve: port is -1; it must be an integer, 0 or more");
  const message = "serve: port is 65536; it must be an integer from 0 to 65535";
  expect(refusalOf(check(65_536, 0, 65_535))).toBe(message);
});

it("a choice is one of the listed texts", () => {
  const check = (value: unknown) => {
    return () => checkOneOf("serve", "slowConsumer", value, ["close", "drop", "wait"]);
  };
  expect(check("wait")).not.toThrow();
  expect(check(undefined)).not.toThrow();
  expect(refusalOf(check("stop"))).toBe(
    'serve: slowConsumer is "stop"; it must be "close", "drop" or "wait"',
  );
});

it.each([null, 5, "text", [], new Map()])("%o cannot hold options", (value) => {
  expect(refusalOf(() => checkRecord("serve", value))).toBe(
    `serve: the options are ${shown(value)}; pass an object, or nothing for the defaults`,
  );
});

it("an unknown name is an error, with the option that contains it and advice", () => {
  const check = (options: object, details?: object) => {
    return () => checkNames("serve", options, ["idleMs"], details);
  };
  expect(check({ idleMs: 1 })).not.toThrow();
  expect(refusalOf(check({ idle: 1 }))).toBe(
    "serve: there is no option idle; did you mean idleMs?",
  );
  const details = { of: "heartbeat", advice: { idle: "pass idleMs instead" } };
  expect(refusalOf(check({ idle: 1 }, details))).toBe(
    "serve: there is no option heartbeat.idle; pass idleMs instead",
  );
  expect(refusalOf(check({ toString: 1 }, details))).toBe(
    "serve: there is no option heartbeat.toString",
  );
});

it("a misspelt name is an error with the similar name", () => {
  const check = (options: object, details?: object) => {
    return () => checkNames("serve", options, ["maxMessageBytes"], details);
  };
  expect(refusalOf(check({ maxMesageBytes: 1 }))).toBe(
    "serve: there is no option maxMesageBytes; did you mean maxMessageBytes?",
  );
  expect(refusalOf(check({ onerror: 1 }, { others: ["onError"] }))).toBe(
    "serve: there is no option onerror; did you mean onError?",
  );
});

describe("a value in an error message", () => {
  const cycle: Record<string, unknown> = {};
  cycle["self"] = cycle;

  it.each([
    [undefined, "undefined"],
    [null, "null"],
    [NaN, "NaN"],
    [false, "false"],
    ['a "b"', '"a \\"b\\""'],
    [["via"], '["via"]'],
    [{ idle: 1 }, '{"idle":1}'],
    [Math.random, "a function"],
    [Symbol("s"), "a value of type symbol"],
    [7n, "a value of type bigint"],
    [cycle, "an object"],
    ["x".repeat(98), `"${"x".repeat(98)}"`],
    ["x".repeat(99), "a value of type string"],
    [Array(100).fill(0), "an array"],
  ])("is short: %o", (value, text) => {
    expect(shown(value)).toBe(text);
  });
});
