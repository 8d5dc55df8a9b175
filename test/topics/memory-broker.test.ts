import { brokerSuite } from "tideway/testing";
import { MemoryBroker } from "tideway/topics";
import { describe, expect, it } from "vitest";

describe("MemoryBroker", () => {
  describe("does what every broker has to do: it", () => {
    let engine = new MemoryBroker();
    const suite = brokerSuite({
      // The engine is in the broker: all nodes of a case have the same one.
      open: async () => engine,
      openLimited: async (maxTopics) => new MemoryBroker({ maxTopics }),
    });
    it.each(suite.map(({ name, run }) => [name, run] as const))("%s", async (_, run) => {
      engine = new MemoryBroker();
      await expect(run()).resolves.toBeUndefined();
    });
  });
});
