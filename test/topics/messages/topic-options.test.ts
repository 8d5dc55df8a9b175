import { Topics } from "tideway/topics";
import { expect, it } from "vitest";
import { uncaughtErrorsOf } from "../../support/uncaught-errors.ts";

it.each<[string, () => unknown]>([
  ["a promise", async () => ({ historySize: 5 })],
  ["a promise that rejects", () => Promise.reject(new Error("no"))],
  ["null", () => null],
  ["true", () => true],
  ["false", () => false],
  ["a string", () => "historySize"],
  ["an array", () => []],
  ["a function", () => () => ({})],
])(
  "an optionsOf that returns %s throws instead of using the defaults",
  async (_what, optionsOf) => {
    await using topics = new Topics({ optionsOf: optionsOf as () => undefined });
    const uncaught = await uncaughtErrorsOf(() => {
      expect(() => topics.topic("room")).toThrow(
        expect.objectContaining({ name: "UsageError", code: "INVALID_OPTION" }),
      );
      expect(() => topics.topic("room")).toThrow(/optionsOf\("room"\) returned/);
    });
    expect(uncaught).toEqual([]);
  },
);
