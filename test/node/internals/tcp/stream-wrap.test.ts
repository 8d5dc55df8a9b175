/** Undocumented TCP handles of Node are used if they are available and cause no warnings. */
import { afterEach, expect, it, vi } from "vitest";

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

async function found(): Promise<unknown> {
  vi.resetModules();
  const { hasStreamWrap, streamWrap } =
    await import("../../../../src/node/internals/tcp/stream-wrap.ts");
  return hasStreamWrap() ? streamWrap() : undefined;
}

it("the binding for TCP handles is available in each tested version of Node", async () => {
  expect(await found()).toBeDefined();
});

it.each([
  ["NODE_PENDING_DEPRECATION", "1"],
  ["NODE_OPTIONS", "--no-deprecation --pending-deprecation"],
])(
  "the binding for TCP handles is not used if %s requests warnings of pending deprecations",
  async (name, value) => {
    const binding = vi.spyOn(process as unknown as { binding(name: string): unknown }, "binding");
    vi.stubEnv(name, value);
    expect(await found()).toBeUndefined();
    expect(binding).not.toHaveBeenCalled();
  },
);

it.each([
  [
    "throws, as under the permission model",
    () => {
      throw new Error("access denied");
    },
  ],
  ["returns another object", () => ({ WriteWrap: 1 })],
])("the binding for TCP handles is not used if process.binding %s", async (_what, answer) => {
  vi.spyOn(process as unknown as { binding(name: string): unknown }, "binding").mockImplementation(
    answer,
  );
  expect(await found()).toBeUndefined();
});
