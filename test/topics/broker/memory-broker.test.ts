import { brokerSuite } from "tideway/testing";
import { MemoryBroker } from "tideway/topics";
import { describe, expect, it } from "vitest";
import { collectGarbage } from "../../support/collect-garbage.ts";

describe("MemoryBroker", () => {
  describe("passes the suite for all brokers: it", () => {
    let engine = new MemoryBroker();
    const suite = brokerSuite({
      // The engine is the broker: all servers of a case share it.
      open: async () => engine,
      openLimited: async (maxTopics) => new MemoryBroker({ maxTopics }),
    });
    it.each(suite.map(({ name, run }) => [name, run] as const))("%s", async (_, run) => {
      engine = new MemoryBroker();
      await expect(run()).resolves.toBeUndefined();
    });
  });

  it("keeps a new topic of the same name when an old subscription is ended twice", async () => {
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

  it("keeps an id until its window ends, and then frees its memory at the next publication", async () => {
    const clock = { nowMs: 0 };
    const broker = new MemoryBroker({ nowMs: () => clock.nowMs });
    const retention = { size: 1, bytes: 1_000, ageMs: 1_000_000, idWindowMs: 1_000 };
    const publish = (id: string) => broker.publish("a", { id, data: id }, retention);
    const kept = async (id: string) => new WeakRef((await publish(id)).position);
    const positions = [await kept("1"), await kept("2")];
    const survivors = async () => {
      // A WeakRef keeps its target until the current task has ended.
      await new Promise((resolve) => setImmediate(resolve));
      collectGarbage();
      return positions.map((position) => position.deref() !== undefined);
    };
    clock.nowMs = 999;
    expect((await publish("1")).isDuplicate).toBe(true);
    await publish("3");
    expect(await survivors()).toEqual([true, true]);
    clock.nowMs = 1_000;
    expect((await publish("1")).isDuplicate).toBe(false);
    expect(await survivors()).toEqual([false, false]);
    expect((await publish("3")).isDuplicate).toBe(true);
  });

  describe("however long a topic is quiet,", () => {
    const RETENTION = { size: 10, bytes: 1_000, ageMs: 1_000, idWindowMs: 1_000 };
    const BEYOND_RETENTION_MS = 10_000_000;

    /** A broker with a manual clock, and the publications that its listeners to `quiet` receive. */
    function open() {
      const clock = { nowMs: 0 };
      const broker = new MemoryBroker({ nowMs: () => clock.nowMs });
      const got: unknown[] = [];
      const listener = {
        onPublication: ({ data }: { readonly data: unknown }) => void got.push(data),
        onInterruption() {},
        onPresenceChange() {},
      };
      const publish = (topic: string, data: string) =>
        broker.publish(topic, { id: `${topic} ${data}`, data }, RETENTION);
      /** Advances the clock. Calls for other topics evict what has expired. */
      const passTime = async (): Promise<void> => {
        clock.nowMs += BEYOND_RETENTION_MS;
        for (const data of ["1", "2", "3"]) await publish("other", `${clock.nowMs} ${data}`);
      };
      return { broker, got, listener, publish, passTime };
    }

    it("keeps the topic and its epoch while it has a listener", async () => {
      const { broker, got, listener, publish, passTime } = open();
      await broker.subscribe("quiet", listener);
      const { position } = await publish("quiet", "1");
      await passTime();
      await passTime();
      expect(await publish("quiet", "2")).toEqual({
        position: { ...position, offset: 2 },
        isDuplicate: false,
      });
      expect(got).toEqual(["1", "2"]);
    });

    it("keeps the topic after one of its listeners has stopped", async () => {
      const { broker, got, listener, publish, passTime } = open();
      const stop = await broker.subscribe("quiet", { ...listener, onPublication() {} });
      await broker.subscribe("quiet", listener);
      const { position } = await publish("quiet", "1");
      await stop();
      await passTime();
      await passTime();
      expect((await publish("quiet", "2")).position).toEqual({ ...position, offset: 2 });
      expect(got).toEqual(["1", "2"]);
    });

    it("keeps a topic without a listener until its history expires", async () => {
      const { broker, publish } = open();
      const { position } = await publish("quiet", "1");
      for (const data of ["1", "2", "3"]) await publish("other", data);
      const page = await broker.history("quiet", { limit: 10 }, RETENTION);
      expect(page).toMatchObject({ position, publications: [{ data: "1" }] });
    });

    it("keeps a topic without publications while it has a member that is not expired", async () => {
      const { broker, publish } = open();
      await broker.enter("quiet", { key: "1", value: "ann" }, 1_000);
      for (const data of ["1", "2", "3"]) await publish("other", data);
      expect(await broker.members("quiet")).toMatchObject([{ key: "1", value: "ann" }]);
    });

    it("evicts the topic after its last listener has stopped", async () => {
      const { broker, listener, publish, passTime } = open();
      const stop = await broker.subscribe("quiet", listener);
      const { position } = await publish("quiet", "1");
      await stop();
      await passTime();
      expect((await publish("quiet", "2")).position.epoch).not.toBe(position.epoch);
    });

    it("keeps the last position of the topic after its history has expired", async () => {
      const { broker, listener, publish, passTime } = open();
      await broker.subscribe("quiet", listener);
      const { position } = await publish("quiet", "1");
      await passTime();
      const page = await broker.history("quiet", { limit: 10 }, RETENTION);
      expect(page).toEqual({ position, publications: [] });
    });
  });

  it.each([null, [], "maxTopics", { maxTopics: 0 }, { nowMs: 5 }, { maxTopicz: 1 }])(
    "throws a UsageError for the options %j",
    (options) => {
      expect(() => new MemoryBroker(options as never)).toThrow(
        expect.objectContaining({ name: "UsageError", code: "INVALID_OPTION" }),
      );
    },
  );
});
