/** What Node does not document about its TCP handles is used where it is there, and nobody minds. */
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

it("is there in every version of Node that this is run on", async () => {
  expect(await found()).toBeDefined();
});

it.each([
  ["NODE_PENDING_DEPRECATION", "1"],
  ["NODE_OPTIONS", "--no-deprecation --pending-deprecation"],
])("is left alone where %s asks for warnings of what may go", async (name, value) => {
  const binding = vi.spyOn(process as unknown as { binding(name: string): unknown }, "binding");
  vi.stubEnv(name, value);
  expect(await found()).toBeUndefined();
  expect(binding).not.toHaveBeenCalled();
});

it.each([
  [
    "throws, as under the permission model",
    () => {
      throw new Error("access denied");
    },
  ],
  ["gives something else", () => ({ WriteWrap: 1 })],
])("is done without where asking for it %s", async (_what, answer) => {
  vi.spyOn(process as unknown as { binding(name: string): unknown }, "binding").mockImplementation(
    answer,
  );
  expect(await found()).toBeUndefined();
});
