import {
  BrokerError,
  MemoryBroker,
  type Retention,
  Topics,
  type TopicsOptions,
} from "tideway/topics";
import { describe, expect, it } from "vitest";
import {
  FaultyBroker,
  ManualTimers,
  openTopics,
  received,
  RecordingSocket,
  settle,
  texts,
} from "../support.ts";

const FULL = expect.objectContaining({ name: "BrokerError", code: "TOPICS_FULL" }) as Error;

const RETENTION: Retention = {
  size: 10,
  bytes: 10_000,
  ageMs: 60_000,
  idWindowMs: 60_000,
};

async function subscribe(topics: Topics, name: string): Promise<RecordingSocket> {
  const socket = new RecordingSocket();
  await topics.topic(name).subscribe(socket);
  return socket;
}

describe("maxTopics", () => {
  it("forgets the topic without subscribers that was idle longest", async () => {
    const topics = openTopics({ maxTopics: 3 });
    const socket = await subscribe(topics, "a");
    const positions = new Map<string, string>();
    for (const name of ["a", "b", "c"]) {
      const { position } = await topics.topic(name).publish("1");
      positions.set(name, position.epoch);
    }
    await topics.topic("b").publish("2");
    await topics.topic("d").publish("1");
    const epochOf = async (name: string): Promise<string> =>
      (await topics.topic(name).history()).position.epoch;
    expect(await epochOf("b")).toBe(positions.get("b"));
    expect(await epochOf("a")).toBe(positions.get("a"));
    expect(await epochOf("c")).not.toBe(positions.get("c"));
    await topics.topic("a").publish("2");
    expect(texts(socket)).toEqual(["1", "2"]);
  });

  it("tells a returning subscriber that its topic was forgotten", async () => {
    const topics = openTopics({ maxTopics: 2 });
    const { position } = await topics.topic("a").publish("1");
    for (const name of ["b", "c"]) await topics.topic(name).publish("1");
    const socket = new RecordingSocket();
    const subscription = await topics.topic("a").subscribe(socket, { since: position });
    expect(subscription).toMatchObject({ recovered: false, reason: "epoch-changed" });
  });

  it.each<[string, () => TopicsOptions]>([
    ["of Topics", () => ({ maxTopics: 3 })],
    ["of the broker", () => ({ broker: new MemoryBroker({ maxTopics: 3 }) })],
  ])(
    "%s refuses a further topic while all have subscribers, and accepts it later",
    async (_, options) => {
      const topics = openTopics(options());
      const sockets: RecordingSocket[] = [];
      for (const name of ["a", "b", "c"]) sockets.push(await subscribe(topics, name));
      const one = topics.topic("d");
      await expect(one.subscribe(new RecordingSocket())).rejects.toThrow(FULL);
      await expect(one.publish("1")).rejects.toThrow(FULL);
      await expect(one.history()).rejects.toThrow(FULL);
      await topics.topic("a").publish("1");
      expect(texts(sockets[0])).toEqual(["1"]);
      sockets[1].close();
      await settle();
      await one.publish("1");
      sockets[2].close();
      await settle();
      const socket = await subscribe(topics, "e");
      await topics.topic("e").publish("2");
      expect(texts(socket)).toEqual(["2"]);
    },
  );

  it("of Topics applies to subscribers although the broker has room", async () => {
    const topics = openTopics({ maxTopics: 2, broker: new MemoryBroker() });
    const sockets = [await subscribe(topics, "a"), await subscribe(topics, "b")];
    await expect(subscribe(topics, "c")).rejects.toThrow(
      "topics with subscribers has reached maxTopics 2",
    );
    await subscribe(topics, "a");
    sockets[1].close();
    await settle();
    await subscribe(topics, "c");
  });

  it("never evicts a topic with a call that waits for the broker", async () => {
    const broker = new FaultyBroker();
    const topics = openTopics({ maxTopics: 1, broker });
    const first = await subscribe(topics, "a");
    const { position } = await broker.inner.publish("a", { id: "1", data: "1" }, RETENTION);
    let answer = (): void => {};
    broker.onCall = (method) =>
      method === "history" ? new Promise((resolve) => (answer = resolve)) : Promise.resolve();
    const subscribing = topics
      .topic("a")
      .subscribe(new RecordingSocket(), { since: { ...position, offset: 0 } });
    first.close();
    await settle();
    await expect(subscribe(topics, "b")).rejects.toThrow(FULL);
    broker.onCall = async () => {};
    answer();
    await subscribing;
  });

  it("repeats no call that the broker refuses for another reason", async () => {
    const broker = new FaultyBroker();
    const topics = openTopics({ broker });
    (await subscribe(topics, "a")).close();
    const errors = [new BrokerError("BROKER_REFUSED", "no"), new Error("TOPICS_FULL")];
    for (const error of errors) {
      broker.calls.length = 0;
      broker.onCall = () => Promise.reject(error);
      await expect(topics.topic("b").publish("1")).rejects.toBeInstanceOf(Error);
      expect(broker.calls).toEqual(["publish"]);
    }
    broker.onCall = async () => {};
  });

  it("counts topics with members of this server", async () => {
    const topics = openTopics({ maxTopics: 2, presence: true });
    const socket = new RecordingSocket();
    const presence = await topics.topic("a").enter(socket, { id: "ann" });
    await topics.topic("a").enter(socket, { id: "bob" });
    await topics.topic("b").enter(socket, { id: "ann" });
    await expect(topics.topic("c").enter(socket, { id: "ann" })).rejects.toThrow(FULL);
    await presence.leave();
    await expect(topics.topic("c").enter(socket, { id: "ann" })).rejects.toThrow(FULL);
    socket.close();
    await settle();
    await topics.topic("c").enter(new RecordingSocket(), { id: "ann" });
  });

  it("stops listening to topics without clients once there are 1,024 of them", async () => {
    const broker = new MemoryBroker({ maxTopics: 1_030 });
    const timers = new ManualTimers();
    const topics = openTopics({ broker, timers });
    for (let number = 0; number < 3_000; number++) {
      (await subscribe(topics, `${number}`)).close();
    }
    await settle();
    // Another user of the broker has room for six.
    const others = openTopics({ broker, timers });
    for (const name of ["a", "b", "c", "d", "e", "f"]) await subscribe(others, name);
    await expect(subscribe(others, "g")).rejects.toThrow(FULL);
  });

  it("serves a subscriber that arrives while its topic is idle", async () => {
    const topics = openTopics({ maxTopics: 2 });
    for (let round = 0; round < 20; round++) {
      const names = ["a", "b", "c"].map((name, index) => (index === round % 3 ? "d" : name));
      const sockets = await Promise.all(names.slice(0, 2).map((name) => subscribe(topics, name)));
      for (const socket of sockets) {
        expect(received(socket)[0]).toMatchObject({ type: "subscribed" });
        socket.close();
      }
      await settle();
    }
  });

  it.each([0, 1.5, "7"])("refuses %j", (maxTopics) => {
    const invalid = expect.objectContaining({ code: "INVALID_OPTION" }) as Error;
    expect(() => new Topics({ maxTopics: maxTopics as never })).toThrow(invalid);
    expect(() => new MemoryBroker({ maxTopics: maxTopics as never })).toThrow(invalid);
  });
});

describe("a topic without subscribers", () => {
  it("stays subscribed at the broker until the second check", async () => {
    const timers = new ManualTimers();
    const broker = new FaultyBroker();
    const topics = openTopics({ broker, timers, checkIntervalMs: 1_000 });
    (await subscribe(topics, "a")).close();
    const sizes: number[] = [];
    for (let check = 0; check < 2; check++) {
      await timers.advance(1_000);
      sizes.push(broker.listeners.size);
    }
    expect(sizes).toEqual([1, 0]);
  });

  it("reports an error of the broker when its subscription ends", async () => {
    const errors: unknown[] = [];
    const broker = new MemoryBroker();
    const failure = new Error("not unsubscribed");
    broker.subscribe = async () => () => Promise.reject(failure);
    const topics = openTopics({ broker, onError: (error) => errors.push(error) });
    await subscribe(topics, "a");
    await topics.close();
    expect(errors).toEqual([failure]);
  });
});
