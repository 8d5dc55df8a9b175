import { channelClientSuite } from "tideway/testing";
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
