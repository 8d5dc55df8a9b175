import { expect, it } from "vitest";
import { decideReconnect } from "../../src/client/reconnect-policy.ts";
import { withDefaults } from "../../src/client/reconnecting-options.ts";

const DEFAULTS = {
  initialDelayMs: 2000,
  maxDelayMs: 30_000,
  stableAfterMs: 5000,
  handshakeTimeoutMs: 10_000,
  maxQueuedBytes: 1_048_576,
  decide: decideReconnect,
  random: Math.random,
  timers: globalThis,
};

it("withDefaults uses the default of each option that is missing or undefined", () => {
  expect(withDefaults({})).toEqual(DEFAULTS);
  const undefinedOptions = Object.fromEntries(
    Object.keys(DEFAULTS).map((name) => [name, undefined]),
  );
  expect(withDefaults(undefinedOptions)).toEqual(DEFAULTS);
});

it("withDefaults keeps the options that are set", () => {
  const options = { initialDelayMs: 0, maxDelayMs: 1, maxQueuedBytes: 0, random: () => 0.5 };
  expect(withDefaults(options)).toEqual({ ...DEFAULTS, ...options });
});

it.each([-1, 2 ** 31, NaN])("withDefaults refuses %s for a limit", (value) => {
  expect(() => withDefaults({ maxDelayMs: value })).toThrow(
    expect.objectContaining({
      code: "INVALID_OPTION",
      message: `maxDelayMs is ${value}; pass 0 to 2147483647`,
    }),
  );
});
