import {
  channelClientScripts,
  channelClientSuite,
  type ChannelClientDriver,
  type ChannelClientOptions,
} from "tideway/testing";
import { describe, expect, it } from "vitest";
import { openDriver } from "./driver.ts";

describe.each([
  { place: "over TCP", isInMemory: false },
  { place: "in memory", isInMemory: true },
])("the client of this package $place", ({ isInMemory }) => {
  const suite = channelClientSuite({ open: openDriver, isInMemory });
  it.each(suite.map(({ name, run }) => [name, run] as const))("%s", async (_, run) => {
    await expect(run()).resolves.toBeUndefined();
  });
});

describe("a client that breaks a rule of the protocol", () => {
  /** Runs the case with a name, with a changed driver. */
  async function check(
    name: string,
    change: (driver: ChannelClientDriver) => Partial<ChannelClientDriver>,
  ): Promise<void> {
    const open = (options: ChannelClientOptions): ChannelClientDriver => {
      const driver = openDriver(options);
      return { ...driver, ...change(driver) };
    };
    const suite = channelClientSuite({ open, isInMemory: true, timeoutMs: 500 });
    await suite.find((one) => one.name === name)!.run();
  }

  it("fails with the step, and the frame that arrived instead", async () => {
    const calls = check("resolves a call with its output", (driver) => ({
      call: (name) => driver.call(name, "another input"),
    }));
    await expect(calls).rejects.toThrow(/^step 5 of 7, .*: \$\.input is "another input", which/);
  });

  it("fails if the client sends nothing", async () => {
    const never = (): Promise<never> => new Promise(() => {});
    await expect(check("resolves a call with its output", () => ({ call: never }))).rejects.toThrow(
      "there was not a frame within 500 ms",
    );
  });

  it("fails if a result is another one, or an error is missing", async () => {
    await expect(
      check("resolves a call with its output", (driver) => ({
        call: (...values) => driver.call(...values).then(() => 7),
      })),
    ).rejects.toThrow("got 7: $ is 7, which is not an array");
    await expect(
      check("rejects a call with an unknown code", (driver) => ({
        call: (...values) => driver.call(...values).catch(() => 7),
      })),
    ).rejects.toThrow('it did not fail, and returned {"value":7}');
  });

  it("fails if the client sends a frame too many", async () => {
    await expect(
      check(
        "shares one subscription between all readers of a topic, and unsubscribes after the last one",
        (driver) => ({
          messages: (topic, options) => {
            driver.history(topic, { limit: 1 }).catch(() => {});
            return driver.messages(topic, options);
          },
        }),
      ),
    ).rejects.toThrow('$.type is "history"; expected "call"');
  });
});

it("has scripts that survive JSON, with different names", () => {
  expect(JSON.parse(JSON.stringify(channelClientScripts))).toEqual(channelClientScripts);
  const names = channelClientScripts.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});

it.each([undefined, null, {}, { open: 1 }, { open: openDriver, timeoutMs: "1" }])(
  "throws a UsageError for the harness %j",
  (harness) => {
    expect(() => channelClientSuite(harness as never)).toThrow(
      expect.objectContaining({ code: "INVALID_OPTION" }),
    );
  },
);
