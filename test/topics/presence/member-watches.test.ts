import {
  BrokerError,
  MemoryBroker,
  type MemberChange,
  type MemberWatch,
  type Topic,
} from "tideway/topics";
import { describe, expect, it } from "vitest";
import { FaultyBroker, ManualTimers, openTopics, RecordingSocket, settle } from "../support.ts";

/** Records what a watcher gets, in its order. */
class Recorder {
  readonly events: string[] = [];

  readonly onChange = ({ type, member }: MemberChange): void => {
    this.events.push(`${type} ${member.id}`);
  };

  async watch(topic: Topic): Promise<MemberWatch> {
    const watch = await topic.watchMembers(this.onChange);
    this.events.push(
      `members ${watch.members
        .map(({ id }) => id)
        .toSorted()
        .join()}`,
    );
    return watch;
  }
}

const enter = (topic: Topic, id: string, data?: unknown): Promise<unknown> =>
  topic.enter(new RecordingSocket(), { id, data }, { key: `key-${id}` });

describe("watchMembers of a topic", () => {
  it("returns all members first, and then each join and leave, across all servers", async () => {
    const broker = new MemoryBroker();
    const [here, there] = [openTopics({ broker }), openTopics({ broker })];
    await enter(here.topic("room"), "ann");
    const recorder = new Recorder();
    await recorder.watch(here.topic("room"));
    const presence = await there
      .topic("room")
      .enter(new RecordingSocket(), { id: "bob" }, { key: "b" });
    await settle();
    await presence.leave();
    await settle();
    expect(recorder.events).toEqual(["members ann", "join bob", "leave bob"]);
  });

  it("reports a member with changed data as a join", async () => {
    const topic = openTopics().topic("room");
    const changes: MemberChange[] = [];
    await topic.watchMembers((change) => changes.push(change));
    await enter(topic, "ann", 1);
    await settle();
    await topic.enter(
      new RecordingSocket(),
      { id: "ann", data: 2 },
      { key: "key-2", replaces: "key-ann" },
    );
    await settle();
    expect(changes).toEqual([
      { type: "join", member: { id: "ann", data: 1 } },
      { type: "join", member: { id: "ann", data: 2 } },
    ]);
  });

  it("misses no change between the members and the first call", async () => {
    const broker = new FaultyBroker();
    const topic = openTopics({ broker }).topic("room");
    for (let turns = 0; turns < 20; turns++) {
      const recorder = new Recorder();
      const watching = recorder.watch(topic);
      // At another point of the watch in each round.
      for (let turn = 0; turn < turns; turn++) await Promise.resolve();
      await enter(topic, `m${turns}`);
      await watching;
      await settle();
      const last = recorder.events.at(-1);
      const [members, ...changes] = recorder.events;
      expect(members).toMatch(/^members/);
      expect(changes.length === 0 ? members : last).toMatch(new RegExp(`\\bm${turns}\\b`));
      expect(changes.length).toBeLessThanOrEqual(1);
    }
  });

  it("shares one subscription and one list, which end with the last watcher", async () => {
    const broker = new FaultyBroker();
    const topic = openTopics({ broker }).topic("room");
    const recorders = [new Recorder(), new Recorder()];
    const watches = await Promise.all(recorders.map((recorder) => recorder.watch(topic)));
    expect(broker.listeners.size).toBe(1);
    broker.calls.length = 0;
    await enter(topic, "ann");
    await settle();
    expect(broker.calls).toEqual(["enter", "members"]);
    watches[0].stop();
    watches[0].stop();
    await enter(topic, "bob");
    await settle();
    expect(recorders.map(({ events }) => events)).toEqual([
      ["members ", "join ann"],
      ["members ", "join ann", "join bob"],
    ]);
    watches[1][Symbol.dispose]();
    await settle();
    expect(broker.listeners.size).toBe(0);
  });

  it("reads the members again after an interruption, and at each check", async () => {
    const [broker, timers] = [new FaultyBroker(), new ManualTimers()];
    const topic = openTopics({ broker, timers, checkIntervalMs: 1_000 }).topic("room");
    const recorder = new Recorder();
    await recorder.watch(topic);
    const entry = (id: string) => ({ key: id, value: JSON.stringify({ v: 1, id }) });
    const listeners = [...broker.listeners];
    broker.listeners.clear();
    // The memory broker signals to the listener of the faulty broker, so hide the signal.
    for (const listener of listeners) listener.onPresenceChange = () => {};
    await broker.inner.enter("room", entry("ann"), 60_000);
    for (const listener of listeners) listener.onInterruption();
    await settle();
    expect(recorder.events).toEqual(["members ", "join ann"]);
    await broker.inner.enter("room", entry("bob"), 60_000);
    await settle();
    expect(recorder.events).toEqual(["members ", "join ann"]);
    await timers.advance(1_000);
    expect(recorder.events).toEqual(["members ", "join ann", "join bob"]);
  });

  it("reports a listener that throws, and calls the others", async () => {
    const errors: unknown[] = [];
    const broken = new Error("broken");
    const topic = openTopics({ onError: (error) => errors.push(error) }).topic("room");
    await topic.watchMembers(() => {
      throw broken;
    });
    const recorder = new Recorder();
    await recorder.watch(topic);
    await enter(topic, "ann");
    await settle();
    expect(recorder.events).toEqual(["members ", "join ann"]);
    expect(errors).toEqual([broken]);
  });

  it.each(["subscribe", "members"])(
    "rejects if %s of the broker fails, and stops",
    async (method) => {
      const broker = new FaultyBroker();
      const topic = openTopics({ broker }).topic("room");
      broker.onCall = async (called) => {
        if (called === method) throw new BrokerError("BROKER_UNAVAILABLE", "cut off");
      };
      await expect(topic.watchMembers(() => {})).rejects.toMatchObject({
        code: "BROKER_UNAVAILABLE",
      });
      await settle();
      expect(broker.listeners.size).toBe(0);
      broker.onCall = async () => {};
      await topic.watchMembers(() => {});
    },
  );

  it("ends when topics close, and rejects afterwards", async () => {
    const broker = new FaultyBroker();
    const topics = openTopics({ broker });
    const topic = topics.topic("room");
    const recorder = new Recorder();
    await recorder.watch(topic);
    const watching = topics.topic("other").watchMembers(() => {});
    const failure = watching.catch((error: unknown) => error);
    await topics.close();
    expect(await failure).toMatchObject({ code: "BROKER_CLOSED" });
    const entry = { key: "k", value: JSON.stringify({ v: 1, id: "ann" }) };
    await broker.inner.enter("room", entry, 60_000);
    await settle();
    expect(recorder.events).toEqual(["members "]);
    expect(broker.listeners.size).toBe(0);
    await expect(topic.watchMembers(() => {})).rejects.toMatchObject({ code: "BROKER_CLOSED" });
  });

  it("refuses a listener that is not a function", async () => {
    const watching = openTopics()
      .topic("room")
      .watchMembers({} as never);
    await expect(watching).rejects.toMatchObject({ name: "UsageError", code: "INVALID_OPTION" });
  });

  it("accepts at most maxTopics topics", async () => {
    const topics = openTopics({ maxTopics: 1, broker: new MemoryBroker() });
    const watch = await topics.topic("a").watchMembers(() => {});
    await expect(topics.topic("b").watchMembers(() => {})).rejects.toMatchObject({
      code: "TOPICS_FULL",
    });
    watch.stop();
    await topics.topic("b").watchMembers(() => {});
  });
});
