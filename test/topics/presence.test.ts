import { BrokerError, MemoryBroker, type PresenceEntry } from "tideway/topics";
import { describe, expect, it } from "vitest";
import {
  FaultyBroker,
  ManualTimers,
  openTopics,
  received,
  RecordingSocket,
  settle,
} from "./support.ts";

function notices(socket: RecordingSocket): readonly string[] {
  return received(socket).flatMap((message) => {
    if (message.type === "join" || message.type === "leave") {
      return [`${message.type} ${message.member.id}`];
    }
    if (message.type !== "members") return [];
    return [`members ${message.members.map(({ id }) => id).join()}`];
  });
}

describe("presence on a topic", () => {
  it("sends the members, then joins and leaves, across all servers", async () => {
    const broker = new MemoryBroker();
    const here = openTopics({ broker, presence: true }).topic("room");
    const there = openTopics({ broker, presence: true }).topic("room");
    const [ann, bob] = [new RecordingSocket(), new RecordingSocket()];
    await here.enter(ann, { id: "ann", data: { age: 7 } });
    await here.subscribe(ann);
    const presence = await there.enter(bob, { id: "bob" });
    await settle();
    expect(await here.members()).toEqual(
      expect.arrayContaining([{ id: "ann", data: { age: 7 } }, { id: "bob" }]),
    );
    await presence.leave();
    await settle();
    expect(notices(ann)).toEqual(["members ann", "join bob", "leave bob"]);
    expect(await there.members()).toEqual([{ id: "ann", data: { age: 7 } }]);
  });

  it("sends the members to all subscribers that arrive while they are first read", async () => {
    const broker = new FaultyBroker();
    const topic = openTopics({ broker, presence: true }).topic("room");
    await topic.enter(new RecordingSocket(), { id: "ann" });
    const sockets = [new RecordingSocket(), new RecordingSocket(), new RecordingSocket()];
    broker.calls.length = 0;
    await Promise.all(sockets.map((socket) => topic.subscribe(socket)));
    expect(sockets.map(notices)).toEqual(sockets.map(() => ["members ann"]));
    expect(broker.calls.filter((method) => method === "members")).toHaveLength(1);
  });

  it.each(["check", "subscription"])(
    "reports a failed first read once, and sends joins after the next %s",
    async (next) => {
      const [broker, timers, errors] = [new FaultyBroker(), new ManualTimers(), [] as unknown[]];
      const onError = (error: unknown): void => void errors.push(error);
      const options = { broker, timers, onError, presence: true, checkIntervalMs: 1_000 };
      const topic = openTopics(options).topic("room");
      await topic.enter(new RecordingSocket(), { id: "ann" });
      const failure = new BrokerError("BROKER_UNAVAILABLE", "cut off");
      broker.onCall = async (method) => {
        if (method === "members") throw failure;
      };
      const sockets = [new RecordingSocket(), new RecordingSocket()];
      await Promise.all(sockets.map((socket) => topic.subscribe(socket)));
      expect(errors).toEqual([failure]);
      broker.onCall = async () => {};
      const later = new RecordingSocket();
      if (next === "check") await timers.advance(1_000);
      await topic.subscribe(later);
      expect(notices(later)).toEqual(["members ann"]);
      expect(sockets.map(notices)).toEqual(sockets.map(() => ["members ", "join ann"]));
    },
  );

  it("ends with the socket, and counts a member with two sockets once", async () => {
    const topic = openTopics({ presence: true }).topic("room");
    const watcher = new RecordingSocket();
    await topic.subscribe(watcher);
    const [phone, laptop] = [new RecordingSocket(), new RecordingSocket()];
    await topic.enter(phone, { id: "ann" });
    await topic.enter(laptop, { id: "ann" });
    await settle();
    phone.close();
    await settle();
    expect(notices(watcher)).toEqual(["members ", "join ann"]);
    laptop.close();
    await settle();
    expect(notices(watcher)).toEqual(["members ", "join ann", "leave ann"]);
  });

  it("ends before its server has closed, even if the socket has just ended", async () => {
    const broker = new FaultyBroker();
    const topics = openTopics({ broker, presence: true });
    const socket = new RecordingSocket();
    await topics.topic("room").enter(socket, { id: "ann" });
    let answer = (): void => {};
    broker.onCall = (method) =>
      method === "leave" ? new Promise((resolve) => (answer = resolve)) : Promise.resolve();
    socket.close();
    await settle();
    const order: string[] = [];
    const closed = topics.close().then(() => order.push("closed"));
    await settle();
    order.push("left");
    answer();
    await closed;
    expect(order).toEqual(["left", "closed"]);
    expect(await broker.members("room")).toEqual([]);
  });

  it("is renewed while its server runs, and expires after it crashes", async () => {
    let nowMs = 0;
    const timers = new ManualTimers();
    const inner = new MemoryBroker({ nowMs: () => nowMs });
    const broker = new FaultyBroker(inner);
    const options = { timers, presence: true, presenceTtlMs: 3_000, checkIntervalMs: 1_000 };
    const living = openTopics({ ...options, broker: inner }).topic("room");
    const watcher = new RecordingSocket();
    await living.subscribe(watcher);
    await living.enter(watcher, { id: "living" });
    const crashing = openTopics({ ...options, broker, onError: () => {} }).topic("room");
    await crashing.enter(new RecordingSocket(), { id: "crashing" });
    const pass = async (): Promise<void> => {
      nowMs += 1_000;
      await timers.advance(1_000);
    };
    for (let second = 0; second < 10; second++) await pass();
    expect(await living.members()).toHaveLength(2);
    broker.onCall = () => Promise.reject(new BrokerError("BROKER_UNAVAILABLE", "crashed"));
    for (let second = 0; second < 5; second++) await pass();
    expect(await living.members()).toEqual([{ id: "living" }]);
    expect(notices(watcher)).toEqual([
      "members ",
      "join living",
      "join crashing",
      "leave crashing",
    ]);
  });

  it("sends all members again to a socket that missed changes", async () => {
    const topic = openTopics({ presence: true }).topic("room");
    const slow = new RecordingSocket();
    await topic.subscribe(slow);
    slow.block();
    for (const id of ["ann", "bob", "eve"]) {
      await topic.enter(new RecordingSocket(), { id });
      await settle();
    }
    expect(notices(slow)).toEqual(["members ", "join ann"]);
    slow.unblock();
    await settle();
    const [, , last] = notices(slow);
    expect(last.split(" ")[1].split(",").toSorted()).toEqual(["ann", "bob", "eve"]);
    expect(notices(slow)).toHaveLength(3);
  });

  it("removes a member if its entry was not confirmed", async () => {
    const broker = new FaultyBroker();
    const topic = openTopics({ broker, presence: true }).topic("room");
    const enter = broker.inner.enter.bind(broker.inner);
    broker.inner.enter = async (...args) => {
      await enter(...args);
      throw new BrokerError("BROKER_TIMEOUT", "unseen");
    };
    await expect(topic.enter(new RecordingSocket(), { id: "ann" })).rejects.toThrow("unseen");
    await settle();
    expect(await topic.members()).toEqual([]);
  });

  it("ignores entries that cannot be read", async () => {
    const broker = new MemoryBroker();
    const topic = openTopics({ broker }).topic("room");
    const values = ["", "null", "7", "[]", '{"v":2,"id":"a"}', '{"v":1,"id":""}', '{"v":1,"id":7}'];
    values.push(`{"v":1,"id":"a","data":"${"x".repeat(20_000)}"}`, "{".repeat(10_000));
    const entries: PresenceEntry[] = values.map((value, index) => ({ key: `k${index}`, value }));
    for (const entry of entries) await broker.enter("room", entry, 60_000);
    await broker.enter("room", { key: "good", value: '{"v":1,"id":"ann","later":1}' }, 60_000);
    expect(await topic.members()).toEqual([{ id: "ann" }]);
  });

  it("refuses invalid members", async () => {
    const topic = openTopics({ presence: true }).topic("room");
    const cycle: Record<string, unknown> = {};
    cycle["self"] = cycle;
    const members = [
      { id: "" },
      { id: "x".repeat(129) },
      { id: 7 as never },
      { id: "a", data: cycle },
      { id: "a", data: 1n },
      { id: "a", data: "x".repeat(16_384) },
    ];
    for (const member of members) {
      await expect(topic.enter(new RecordingSocket(), member)).rejects.toThrow(
        expect.objectContaining({ code: "INVALID_MEMBER" }),
      );
    }
  });

  it("refuses a member on a topic without presence", async () => {
    const topic = openTopics({
      presence: true,
      optionsOf: (name) => (name === "news" ? { presence: false } : undefined),
    }).topic("news");
    await expect(topic.enter(new RecordingSocket(), { id: "ann" })).rejects.toThrow(
      expect.objectContaining({ name: "UsageError", code: "NO_PRESENCE" }),
    );
    expect(await topic.members()).toEqual([]);
  });
});
