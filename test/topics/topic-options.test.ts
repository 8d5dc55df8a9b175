import { Topics } from "tideway/topics";
import { expect, it, vi } from "vitest";

it.each<[string, () => unknown]>([
  ["a promise", async () => ({ historySize: 5 })],
  ["a promise that is rejected", () => Promise.reject(new Error("no"))],
  ["null", () => null],
  ["true", () => true],
  ["false", () => false],
  ["a string", () => "historySize"],
  ["an array", () => []],
  ["a function", () => () => ({})],
])(
  "an optionsOf that returns %s throws instead of using the defaults",
  async (_what, optionsOf) => {
    const onUnhandled = vi.fn<() => void>();
    process.on("unhandledRejection", onUnhandled);
    await using topics = new Topics({ optionsOf: optionsOf as () => undefined });
    expect(() => topics.topic("room")).toThrow(
      expect.objectContaining({ name: "UsageError", code: "INVALID_OPTION" }),
    );
    expect(() => topics.topic("room")).toThrow(/optionsOf\("room"\) returned/);
    // Node reports an unhandled rejection within one turn.
    await new Promise(setImmediate);
    process.off("unhandledRejection", onUnhandled);
    expect(onUnhandled).not.toHaveBeenCalled();
  },
);
