import { afterEach, expect, it, vi } from "vitest";

const NAME = "TIDEWAY_TEST_VARIABLE";

afterEach(() => {
  vi.unstubAllGlobals();
  vi.unstubAllEnvs();
  vi.resetModules();
});

/** Loads the module as in a runtime with the permissions of Deno. */
async function readWith(state: string): Promise<string | undefined> {
  vi.stubEnv(NAME, "value");
  // Deno reads the variables of `process.env` through its own global object.
  const { Deno = {} } = globalThis as { readonly Deno?: object };
  vi.stubGlobal("Deno", { ...Deno, permissions: { querySync: () => ({ state }) } });
  vi.resetModules();
  const { readVariable } = await import("../../../src/node/environment/variables.ts");
  return readVariable(NAME);
}

it("a variable that may be read has its value", async () => {
  expect(await readWith("granted")).toBe("value");
});

it.each(["denied", "prompt"])("a variable is not set if its permission is %s", async (state) => {
  expect(await readWith(state)).toBeUndefined();
});

it("a variable is not set if reading it throws", async () => {
  const { readVariable } = await import("../../../src/node/environment/variables.ts");
  const env = new Proxy(process.env, {
    get(): never {
      throw new Error("denied");
    },
  });
  vi.stubGlobal("process", { env });
  expect(readVariable(NAME)).toBeUndefined();
});
