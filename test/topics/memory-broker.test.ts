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

  it("keeps a later topic of the same name when a subscription is ended twice", async () => {
    const broker = new MemoryBroker({ maxTopics: 1 });
    const listener = { onPublication() {}, onInterruption() {}, onPresenceChange() {} };
    const retention = { size: 1, bytes: 1, ageMs: 1000, idWindowMs: 1000 };
    const useOther = (): Promise<unknown> => broker.history("b", { limit: 1 }, retention);
    const stop = await broker.subscribe("a", listener);
    await stop();
    await useOther();
    await broker.subscribe("a", listener);
    await stop();
    await expect(useOther()).rejects.toThrow(expect.objectContaining({ code: "TOPICS_FULL" }));
  });
});
