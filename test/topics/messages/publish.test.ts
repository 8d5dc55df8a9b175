import { BrokerError, isTopicName, Topics, type TopicsOptions, UsageError } from "tideway/topics";
import { describe, expect, it } from "vitest";
import { FaultyBroker, ManualTimers, openTopics, RecordingSocket, texts } from "../support.ts";

describe("publishing to a topic", () => {
  it("stores an id once", async () => {
    const topic = openTopics().topic("news");
    const socket = new RecordingSocket();
    await topic.subscribe(socket);
    const first = await topic.publish("hello", { id: "a1" });
    const again = await topic.publish("hello again", { id: "a1" });
    expect(again).toEqual({ ...first, isDuplicate: true });
    expect(texts(socket)).toEqual(["hello"]);
  });

  it("retries while the broker is unavailable, and stores an unconfirmed publication once", async () => {
    const [broker, timers] = [new FaultyBroker(), new ManualTimers()];
    const topic = openTopics({ broker, timers }).topic("news");
    const publish = broker.inner.publish.bind(broker.inner);
    let failures = 3;
    broker.inner.publish = async (...args) => {
      const receipt = await publish(...args);
      if (failures-- > 0) throw new BrokerError("BROKER_UNAVAILABLE", "cut off");
      return receipt;
    };
    const publishing = topic.publish("once");
    await timers.advance(10_000);
    expect(await publishing).toMatchObject({ isDuplicate: true, position: { offset: 1 } });
    expect((await topic.history()).publications).toHaveLength(1);
  });

  it("rejects when the broker stays unavailable, and at once when it refuses", async () => {
    const broker = new FaultyBroker();
    const topic = openTopics({ broker, publishTimeoutMs: 1 }).topic("news");
    broker.onCall = () => Promise.reject(new BrokerError("BROKER_UNAVAILABLE", "away"));
    await expect(topic.publish("1")).rejects.toThrow("away");
    broker.onCall = () => Promise.reject(new BrokerError("BROKER_REFUSED", "no"));
    await expect(topic.publish("2")).rejects.toThrow(
      expect.objectContaining({ isRetryable: false }),
    );
    expect(broker.calls).toEqual(["publish", "publish"]);
  });

  it("copies the bytes before it returns", async () => {
    const topic = openTopics().topic("news");
    const bytes = Uint8Array.of(1, 2, 3);
    await topic.publish(bytes);
    bytes.fill(0);
    const [{ data }] = (await topic.history()).publications;
    expect(data).toEqual(Uint8Array.of(1, 2, 3));
  });

  it("refuses data that is too large, counted in bytes of UTF-8, or of a wrong type", async () => {
    const topic = openTopics({ maxPublicationBytes: 6 }).topic("news");
    await topic.publish("äöü");
    await topic.publish(new Uint8Array(6));
    const refused = [
      ["äöü!", "PUBLICATION_TOO_BIG"],
      [new Uint8Array(7), "PUBLICATION_TOO_BIG"],
      [7, "INVALID_DATA"],
      [undefined, "INVALID_DATA"],
      [new ArrayBuffer(1), "INVALID_DATA"],
    ] as const;
    for (const [data, code] of refused) {
      await expect(topic.publish(data as string)).rejects.toThrow(
        expect.objectContaining({ name: "UsageError", code }),
      );
    }
    for (const id of ["", "x".repeat(129), 7 as never]) {
      await expect(topic.publish("", { id })).rejects.toThrow(
        expect.objectContaining({ code: "INVALID_ID" }),
      );
    }
    expect((await topic.history()).publications).toHaveLength(2);
  });
});

describe("the history of a topic", () => {
  it("is read from its end or forwards from a position", async () => {
    const topic = openTopics().topic("news");
    for (const text of ["1", "2", "3", "4"]) await topic.publish(text);
    const { position, publications } = await topic.history({ limit: 2 });
    expect(publications.map(({ data }) => data)).toEqual(["3", "4"]);
    const since = { ...position, offset: 1 };
    expect(await topic.history({ since, limit: 2 })).toMatchObject({
      position,
      recovered: true,
      publications: [{ data: "2" }, { data: "3" }],
    });
    expect(await topic.history({ since, limit: 0 })).toEqual({
      position,
      recovered: true,
      publications: [],
    });
    await expect(topic.history({ limit: -1 })).rejects.toThrow(UsageError);
  });

  it("is limited by size, bytes and age", async () => {
    let nowMs = 0;
    const { MemoryBroker } = await import("tideway/topics");
    const topics = openTopics({
      broker: new MemoryBroker({ nowMs: () => nowMs }),
      optionsOf: (name) => ({ [name]: 20 }),
    });
    for (const name of ["historySize", "historyBytes", "historyAgeMs"]) {
      for (let count = 0; count < 50; count++) {
        await topics.topic(name).publish("x");
        nowMs++;
      }
      const { publications } = await topics.topic(name).history({ limit: 100 });
      expect(publications.map(({ position }) => position.offset)).toEqual(
        Array.from(
          { length: name === "historyAgeMs" ? 19 : 20 },
          (_, index) => index + (name === "historyAgeMs" ? 32 : 31),
        ),
      );
    }
  });

  it("and its epoch are forgotten by a memory broker after the topic has been unused", async () => {
    let nowMs = 0;
    const { MemoryBroker } = await import("tideway/topics");
    const topics = openTopics({ broker: new MemoryBroker({ nowMs: () => nowMs }) });
    const { position } = await topics.topic("old").publish("x");
    nowMs += 599_999;
    await topics.topic("other").publish("x");
    expect((await topics.topic("old").history()).position).toEqual(position);
    nowMs += 600_000;
    await topics.topic("other").publish("x");
    await topics.topic("other").publish("x");
    const later = await topics.topic("old").history();
    expect(later.position.epoch).not.toBe(position.epoch);
    expect(later.position.offset).toBe(0);
  });
});

describe("the name of a topic", () => {
  it("is a well-formed string of at most 256 characters", () => {
    const topics = openTopics();
    for (const name of ["a", "x".repeat(256), "__proto__", "a/b.c*>{}\n\0", "😀"]) {
      expect(isTopicName(name)).toBe(true);
      expect(topics.topic(name).name).toBe(name);
    }
    for (const name of ["", "x".repeat(257), "\ud800", "a\udc00", 7, null, undefined, {}]) {
      expect(isTopicName(name)).toBe(false);
      expect(() => topics.topic(name as string)).toThrow(
        expect.objectContaining({ name: "UsageError", code: "INVALID_TOPIC_NAME" }),
      );
    }
  });
});

describe("options", () => {
  it.each([
    { historySize: 0 },
    { historySize: 1.5 },
    { historyBytes: -1 },
    { historyAgeMs: NaN },
    { idWindowMs: Infinity },
    { maxPublicationBytes: "1" },
    { encode: "json" },
    { presence: 1 },
    { requestTimeoutMs: 0 },
    { publishTimeoutMs: "1" },
    { checkIntervalMs: -1 },
    { presenceTtlMs: NaN },
    { historysize: 1 },
  ])("throw if unknown or invalid: %o", (options) => {
    expect(() => new Topics(options as TopicsOptions)).toThrow(
      expect.objectContaining({ name: "UsageError", code: "INVALID_OPTION" }),
    );
  });

  it("of one topic override the options of all topics", async () => {
    const topics = openTopics({
      historySize: 1,
      optionsOf: (name) => (name === "long" ? { historySize: 3 } : undefined),
    });
    for (const name of ["short", "long"]) {
      for (const text of ["1", "2", "3"]) await topics.topic(name).publish(text);
    }
    expect((await topics.topic("short").history()).publications).toHaveLength(1);
    expect((await topics.topic("long").history()).publications).toHaveLength(3);
  });
});

describe("closing topics", () => {
  it("closes sockets that are still subscribed with 1001 and refuses later calls", async () => {
    const topics = openTopics({ broker: new FaultyBroker() });
    const topic = topics.topic("news");
    const socket = new RecordingSocket();
    await topic.subscribe(socket);
    await topics.close();
    expect(socket.closeCode).toBe(1001);
    for (const late of [
      topic.subscribe(new RecordingSocket()),
      topic.publish(""),
      topic.history(),
      topic.enter(new RecordingSocket(), { id: "ann" }),
      topic.members(),
    ]) {
      await expect(late).rejects.toThrow(expect.objectContaining({ code: "BROKER_CLOSED" }));
    }
  });

  it("does not close a broker that was passed in", async () => {
    const broker = new FaultyBroker();
    const [first, second] = [openTopics({ broker }), openTopics({ broker })];
    await first.topic("news").subscribe(new RecordingSocket());
    await first.close();
    expect(broker.listeners.size).toBe(0);
    await second.topic("news").publish("still there");
  });
});
