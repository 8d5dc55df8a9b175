import { prepare, type StandardSchema } from "tideway/server";
import { connectedPair, MemoryNetwork } from "tideway/testing";
import {
  BrokerError,
  type BrokerPage,
  formatPosition,
  MemoryBroker,
  type TopicSocket,
  UsageError,
} from "tideway/topics";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import {
  FaultyBroker,
  follow,
  ManualTimers,
  openTopics,
  received,
  RecordingSocket,
  settle,
  texts,
  types,
} from "./support.ts";

const anything: StandardSchema = {
  "~standard": { version: 1, vendor: "test", validate: (value) => ({ value }) },
};

describe("subscribing to a topic", () => {
  it.each([[{}], [{ socket: {} }], [undefined], [5]])(
    "refuses %o, which is not a socket",
    async (target) => {
      const topic = openTopics().topic("news");
      const expected = { name: "UsageError", code: "INVALID_SOCKET" };
      await expect(topic.subscribe(target as never)).rejects.toMatchObject(expected);
      await expect(topic.enter(target as never, { id: "ann" })).rejects.toMatchObject(expected);
    },
  );

  it("ends with unsubscribe of the topic, which has no effect on other sockets", async () => {
    const topic = openTopics().topic("news");
    const [socket, other] = [new RecordingSocket(), new RecordingSocket()];
    topic.unsubscribe(socket);
    await topic.subscribe(socket);
    await topic.subscribe(other);
    topic.unsubscribe({ socket });
    topic.unsubscribe(socket);
    await topic.publish("after");
    expect(texts(socket)).toEqual([]);
    expect(texts(other)).toEqual(["after"]);
    await topic.subscribe(socket);
    expect(() => topic.unsubscribe({} as never)).toThrow(
      expect.objectContaining({ code: "INVALID_SOCKET" }),
    );
  });

  it("sends the start position, then every publication with its position and id", async () => {
    const topic = openTopics().topic("news");
    await topic.publish("before");
    const socket = new RecordingSocket();
    const { position, recovered, reason } = await topic.subscribe(socket);
    const published = await topic.publish("after", { id: "a1" });
    expect({ recovered, reason }).toEqual({ recovered: false, reason: "no-position" });
    expect(position.offset).toBe(1);
    expect(received(socket)).toEqual([
      {
        type: "subscribed",
        topic: "news",
        position: formatPosition(position),
        recovered: false,
        reason: "no-position",
      },
      {
        type: "publication",
        topic: "news",
        position: `${position.epoch}:2`,
        id: "a1",
        text: "after",
      },
    ]);
    expect(published).toEqual({
      id: "a1",
      isDuplicate: false,
      position: { epoch: position.epoch, offset: 2 },
    });
  });

  it("sends missed publications before new ones for a known position", async () => {
    const topic = openTopics().topic("news");
    const { position } = await topic.publish("1");
    await topic.publish("2");
    await topic.publish("3");
    const socket = new RecordingSocket();
    const subscription = await topic.subscribe(socket, { since: formatPosition(position) });
    await topic.publish("4");
    expect(subscription).toMatchObject({ recovered: true, position });
    expect(texts(socket)).toEqual(["2", "3", "4"]);
    expect(follow(socket)!.offset).toBe(4);
  });

  it("sends nothing after unsubscribe or to a socket that has ended", async () => {
    const topic = openTopics().topic("news");
    const [left, ended, closed] = [1, 2, 3].map(() => new RecordingSocket());
    const subscription = await topic.subscribe(left);
    await topic.subscribe(ended);
    closed.close();
    await topic.subscribe(closed);
    subscription.unsubscribe();
    ended.close();
    await topic.publish("late");
    expect([texts(left), texts(ended), closed.sent]).toEqual([[], [], []]);
    expect(left.readyState).toBe(1);
  });

  it("refuses a socket that is subscribed or subscribing, and accepts it again later", async () => {
    const topic = openTopics().topic("news");
    const socket = new RecordingSocket();
    const first = topic.subscribe(socket);
    await expect(topic.subscribe(socket)).rejects.toThrow(
      expect.objectContaining({ code: "ALREADY_SUBSCRIBED" }),
    );
    const subscription = await first;
    await expect(topic.subscribe(socket)).rejects.toThrow(UsageError);
    subscription.unsubscribe();
    await topic.subscribe(socket, { since: subscription.position });
    await topic.publish("once");
    expect(texts(socket)).toEqual(["once"]);
  });

  it("encodes a publication once for any number of subscribers", async () => {
    let count = 0;
    const encode = ({ type }: { type: string }): string => `${type} ${count++}`;
    const topic = openTopics({ encode }).topic("news");
    const sockets = Array.from({ length: 10 }, () => new RecordingSocket());
    for (const socket of sockets) await topic.subscribe(socket);
    count = 0;
    await topic.publish("hello");
    expect(sockets.map(({ sent }) => sent.at(-1))).toEqual(sockets.map(() => "publication 0"));
    expect(count).toBe(1);
  });

  it("prepares a publication once for all sockets of a server", async () => {
    const prepared: unknown[] = [];
    const topics = openTopics({
      prepare(data) {
        prepared.push(data);
        return prepare(data);
      },
    });
    const topic = topics.topic("news");
    const pairs = await Promise.all([connectedPair(), connectedPair(), connectedPair()]);
    const messages = pairs.map(({ client }) => client.onMessage[Symbol.asyncIterator]());
    for (const { server } of pairs) await topic.subscribe(server);
    await topic.publish("hello");
    for (const message of messages) {
      await message.next();
      const { data } = (await message.next()).value!;
      expect(data).toBe(prepared[0]);
    }
    expect(prepared).toHaveLength(1);
    await Promise.all(pairs.map((pair) => pair[Symbol.asyncDispose]()));
  });

  it("has one subscription at the broker and ends it some time after the last subscriber", async () => {
    const [broker, timers] = [new FaultyBroker(), new ManualTimers()];
    const topic = openTopics({ broker, timers, checkIntervalMs: 1_000 }).topic("news");
    const subscriptions = await Promise.all(
      [1, 2, 3].map(() => topic.subscribe(new RecordingSocket())),
    );
    expect(broker.listeners.size).toBe(1);
    for (const subscription of subscriptions) subscription.unsubscribe();
    await timers.advance(1_000);
    expect(broker.listeners.size).toBe(1);
    await timers.advance(1_000);
    expect(broker.listeners.size).toBe(0);
    const socket = new RecordingSocket();
    await topic.subscribe(socket);
    await topic.publish("again");
    expect(texts(socket)).toEqual(["again"]);
  });

  it("carries topics to clients over connections, and encodes only once even for typed sockets", async () => {
    const topic = openTopics().topic("news");
    const network = new MemoryNetwork();
    await using server = network.serve({
      routes: {
        "ws:/plain": async (socket) => {
          await topic.subscribe(socket);
          await expect(topic.subscribe({ socket })).rejects.toThrow("already");
        },
        "ws:/typed": {
          schema: anything,
          handle: async (socket) => void (await topic.subscribe(socket)),
        },
      },
    });
    for (const path of ["plain", "typed"]) {
      const client = new network.WebSocket(`ws://test/${path}`);
      const messages = client.onMessage[Symbol.asyncIterator]();
      const next = async (): Promise<unknown> =>
        JSON.parse((await messages.next()).value!.data as string);
      expect(await next()).toMatchObject({ type: "subscribed" });
      await topic.publish(`to ${path}`);
      expect(await next()).toMatchObject({ type: "publication", text: `to ${path}` });
    }
    await server.stop({ timeoutMs: 1_000 });
  });
});

describe("the options of subscribe", () => {
  it("last starts up to that many publications before the end", async () => {
    const topic = openTopics().topic("news");
    for (const text of ["1", "2", "3"]) await topic.publish(text);
    const socket = new RecordingSocket();
    const { position, recovered, reason } = await topic.subscribe(socket, { last: 2 });
    await topic.publish("4");
    expect({ recovered, reason, offset: position.offset }).toEqual({
      recovered: false,
      reason: "no-position",
      offset: 1,
    });
    expect(texts(socket)).toEqual(["2", "3", "4"]);
  });

  it("encode applies to one subscriber", async () => {
    const topic = openTopics().topic("news");
    const [own, other] = [new RecordingSocket(), new RecordingSocket()];
    await topic.subscribe(own, { encode: ({ type }) => type });
    await topic.subscribe(other);
    await topic.publish("1");
    expect(own.sent).toEqual(["subscribed", "publication"]);
    expect(texts(other)).toEqual(["1"]);
  });

  it("members: false leaves out the notices of members, and the reads for them", async () => {
    const broker = new FaultyBroker();
    const topic = openTopics({ broker, presence: true }).topic("room");
    const [without, withMembers] = [new RecordingSocket(), new RecordingSocket()];
    await topic.subscribe(without, { members: false });
    await topic.enter(without, { id: "ann" });
    await settle();
    expect(broker.calls).not.toContain("members");
    await topic.subscribe(withMembers);
    await topic.enter(withMembers, { id: "bob" });
    await settle();
    expect(types(without)).toEqual(["subscribed"]);
    expect(types(withMembers)).toEqual(["subscribed", "members", "join"]);
  });

  it.each([{ last: -1 }, { last: 1.5 }, { last: "5" }, { encode: "json" }, { members: 1 }])(
    "%j is refused",
    async (options) => {
      const subscribing = openTopics()
        .topic("news")
        .subscribe(new RecordingSocket(), options as never);
      await expect(subscribing).rejects.toMatchObject({
        name: "UsageError",
        code: "INVALID_OPTION",
      });
    },
  );
});

describe("a socket without done", () => {
  it("stays subscribed until unsubscribe", async () => {
    const topic = openTopics().topic("news");
    const sent: unknown[] = [];
    const socket: TopicSocket = {
      readyState: 1,
      bufferedAmount: 0,
      drained: Promise.resolve(),
      send: (data) => sent.push(data) > 0,
      close() {},
    };
    const subscription = await topic.subscribe(socket, { encode: ({ type }) => type });
    await topic.publish("1");
    subscription.unsubscribe();
    await topic.publish("2");
    expect(sent).toEqual(["subscribed", "publication"]);
  });
});

describe("a position that a client sends as since", () => {
  it.each([
    ["a number", 7],
    ["no offset", "abc"],
    ["an empty epoch", ":1"],
    ["a negative offset", "abc:-1"],
    ["a fraction", "abc:1.5"],
    ["not a number", "abc:NaN"],
    ["an exponent", "abc:1e3"],
    ["an offset beyond the safe integers", "abc:9007199254740993"],
    ["an enormous offset", `abc:${"9".repeat(1_000_000)}`],
    ["an enormous epoch", `${"a".repeat(1_000_000)}:1`],
    ["a name of Object.prototype", "__proto__"],
    ["an object without a position", {}],
    ["an object whose offset is a string", { epoch: "abc", offset: "1" }],
    ["an object whose offset is not finite", { epoch: "abc", offset: Infinity }],
    ["an array", ["abc", 1]],
    ["a symbol", Symbol("since")],
  ])("is answered with recovered: false if it is invalid: %s", async (_, since) => {
    const topic = openTopics().topic("news");
    await topic.publish("1");
    const socket = new RecordingSocket();
    const subscription = await topic.subscribe(socket, { since });
    await topic.publish("2");
    expect(subscription).toMatchObject({ recovered: false, reason: "invalid-position" });
    expect(texts(socket)).toEqual(["2"]);
    expect(await topic.history({ since })).toMatchObject({
      recovered: false,
      reason: "invalid-position",
      publications: [],
    });
  });

  it.each([undefined, null, ""])("counts as no position if it is %j", async (since) => {
    const topic = openTopics().topic("news");
    await topic.publish("1");
    const socket = new RecordingSocket();
    const subscription = await topic.subscribe(socket, { since });
    expect(subscription).toMatchObject({ recovered: false, reason: "no-position" });
    expect(received(socket)[0]).toMatchObject({ type: "subscribed", reason: "no-position" });
    const page = await topic.history({ since });
    expect(page).toMatchObject({ recovered: false, reason: "no-position" });
    expect(page.publications.map(({ data }) => data)).toEqual(["1"]);
  });

  it("may be of another epoch, ahead of the topic, or older than its history", async () => {
    const topic = openTopics({ historySize: 3 }).topic("news");
    for (let number = 1; number <= 2_000; number++) await topic.publish(`${number}`);
    const { position } = await topic.history();
    const reasons = [
      [{ epoch: "__proto__", offset: 1 }, "epoch-changed"],
      [{ ...position, offset: 2_001 }, "position-ahead"],
      [{ ...position, offset: Number.MAX_SAFE_INTEGER }, "position-ahead"],
      [{ ...position, offset: 1_996 }, "missing"],
      [{ ...position, offset: 0 }, "missing"],
    ] as const;
    for (const [since, reason] of reasons) {
      const socket = new RecordingSocket();
      const subscription = await topic.subscribe(socket, { since });
      expect(subscription).toMatchObject({ recovered: false, reason, position });
      expect(texts(socket)).toEqual([]);
      expect(await topic.history({ since })).toMatchObject({ recovered: false, reason });
    }
    const socket = new RecordingSocket();
    await topic.subscribe(socket, { since: { ...position, offset: 1_997 } });
    expect(texts(socket)).toEqual(["1998", "1999", "2000"]);
  });

  it("may be the start of a topic without publications", async () => {
    const topic = openTopics().topic("news");
    const { position } = await topic.history();
    await topic.publish("1");
    const socket = new RecordingSocket();
    expect(await topic.subscribe(socket, { since: position })).toMatchObject({ recovered: true });
    expect(texts(socket)).toEqual(["1"]);
  });
});

describe("a feed with a faulty broker", () => {
  it("delivers a duplicate once and reads missing publications", async () => {
    const broker = new FaultyBroker();
    const topic = openTopics({ broker }).topic("news");
    const socket = new RecordingSocket();
    await topic.subscribe(socket);
    broker.onDelivery = (deliver) => {
      deliver();
      deliver();
    };
    await topic.publish("1");
    broker.onDelivery = () => {};
    await topic.publish("2");
    await topic.publish("3");
    broker.onDelivery = (deliver) => deliver();
    await topic.publish("4");
    await settle();
    expect(texts(socket)).toEqual(["1", "2", "3", "4"]);
    expect(types(socket)).not.toContain("lost");
  });

  it("reorders publications that arrive in the wrong order", async () => {
    const broker = new FaultyBroker();
    const topic = openTopics({ broker }).topic("news");
    const socket = new RecordingSocket();
    await topic.subscribe(socket);
    const held: (() => void)[] = [];
    broker.onDelivery = (deliver) => held.push(deliver);
    for (const text of ["1", "2", "3", "4"]) await topic.publish(text);
    for (const index of [2, 0, 3, 1]) held[index]();
    await settle();
    expect(texts(socket)).toEqual(["1", "2", "3", "4"]);
  });

  it("delivers publications that arrive during a read right after it", async () => {
    const broker = new FaultyBroker();
    const topic = openTopics({ broker }).topic("news");
    const socket = new RecordingSocket();
    await topic.subscribe(socket);
    let answer!: () => void;
    broker.onPage = (page) => new Promise((resolve) => (answer = () => resolve(page)));
    broker.interrupt();
    await settle();
    const callsBefore = broker.calls.filter((call) => call === "history").length;
    for (const text of ["1", "2", "3"]) await topic.publish(text);
    answer();
    await settle();
    expect(texts(socket)).toEqual(["1", "2", "3"]);
    expect(broker.calls.filter((call) => call === "history")).toHaveLength(callsBefore);
  });

  it("reads again if publications between a read and a delivery are missing", async () => {
    const broker = new FaultyBroker();
    const topic = openTopics({ broker }).topic("news");
    const socket = new RecordingSocket();
    await topic.subscribe(socket);
    let answer!: () => void;
    broker.onPage = (page) => new Promise((resolve) => (answer = () => resolve(page)));
    broker.interrupt();
    await settle();
    broker.onDelivery = () => {};
    await topic.publish("1");
    broker.onDelivery = (deliver) => deliver();
    await topic.publish("2");
    broker.onPage = async (page) => page;
    answer();
    await settle();
    expect(texts(socket)).toEqual(["1", "2"]);
  });

  it("asks for publications after a silence", async () => {
    const [broker, timers] = [new FaultyBroker(), new ManualTimers()];
    const topic = openTopics({ broker, timers, checkIntervalMs: 1_000 }).topic("news");
    const socket = new RecordingSocket();
    await topic.subscribe(socket);
    broker.onDelivery = () => {};
    await topic.publish("unheard");
    expect(texts(socket)).toEqual([]);
    await timers.advance(2_000);
    expect(texts(socket)).toEqual(["unheard"]);
  });

  it("sends lost to all subscribers when the topic has another epoch", async () => {
    const first = new FaultyBroker();
    const topic = openTopics({ broker: first }).topic("news");
    const socket = new RecordingSocket();
    await topic.subscribe(socket);
    await topic.publish("1");
    const second = new MemoryBroker();
    const retention = { size: 10, bytes: 1_000, ageMs: 60_000, idWindowMs: 60_000 };
    await second.publish("news", { id: "a", data: "of another epoch" }, retention);
    first.onPage = () => second.history("news", { limit: 10 }, retention);
    first.interrupt();
    await settle();
    expect(received(socket).at(-1)).toMatchObject({ type: "lost", reason: "epoch-changed" });
    expect(texts(socket)).toEqual(["1"]);
    expect(follow(socket)!.offset).toBe(1);
  });

  it("sends lost when the topic is shorter than before, or its history has a gap", async () => {
    const broker = new FaultyBroker();
    const topic = openTopics({ broker }).topic("news");
    const socket = new RecordingSocket();
    await topic.subscribe(socket);
    await topic.publish("1");
    broker.onPage = async ({ position }) => ({
      position: { ...position, offset: 0 },
      publications: [],
    });
    broker.interrupt();
    await settle();
    expect(received(socket).at(-1)).toMatchObject({ type: "lost", reason: "position-ahead" });

    broker.onPage = async (page) => page;
    broker.interrupt();
    await settle();
    broker.onDelivery = () => {};
    for (const text of ["2", "3", "4"]) await topic.publish(text);
    broker.onPage = async ({ position, publications }: BrokerPage) => ({
      position,
      publications: publications.filter(({ data }) => data !== "3"),
    });
    broker.interrupt();
    await settle();
    expect(received(socket).at(-2)).toMatchObject({ type: "lost", reason: "missing" });
    // Publications after the gap are not lost.
    expect(texts(socket)).toEqual(["1", "1", "2", "4"]);
    expect(follow(socket)!.offset).toBe(4);
  });

  it("treats publications of another epoch than their page as missing", async () => {
    const broker = new FaultyBroker();
    const topic = openTopics({ broker }).topic("news");
    const { position } = await topic.history();
    for (const text of ["1", "2"]) await topic.publish(text);
    broker.onPage = async (page) => ({
      position: page.position,
      publications: page.publications.map((one) => ({
        ...one,
        position: { ...one.position, epoch: "another" },
      })),
    });
    const socket = new RecordingSocket();
    expect(await topic.subscribe(socket, { since: position })).toMatchObject({
      recovered: false,
      reason: "missing",
    });
    await topic.publish("3");
    expect(texts(socket)).toEqual(["3"]);
  });

  it("keeps its subscribers while the broker is unavailable and serves them from memory", async () => {
    const [broker, timers] = [new FaultyBroker(), new ManualTimers()];
    const errors: unknown[] = [];
    const onError = (error: unknown): number => errors.push(error);
    const topic = openTopics({ broker, timers, onError }).topic("news");
    const [here, back] = [new RecordingSocket(), new RecordingSocket()];
    await topic.subscribe(here);
    const { position } = await topic.publish("1");
    await topic.publish("2");
    broker.onCall = () => Promise.reject(new BrokerError("BROKER_UNAVAILABLE", "away"));
    broker.onDelivery = () => {};
    await broker.inner.publish(
      "news",
      { id: "x", data: "3" },
      { size: 10, bytes: 100, ageMs: 1e6, idWindowMs: 1e6 },
    );
    broker.interrupt();
    await timers.advance(60_000);
    expect(here.readyState).toBe(1);
    // Reported once, not for every attempt.
    expect(errors).toHaveLength(1);
    await topic.subscribe(back, { since: position });
    expect(texts(back)).toEqual(["2"]);

    broker.onCall = async () => {};
    await timers.advance(60_000);
    expect(texts(here)).toEqual(["1", "2", "3"]);
    expect(texts(back)).toEqual(["2", "3"]);
  });

  it("rejects when the broker does not answer, and accepts the same socket afterwards", async () => {
    const [broker, timers] = [new FaultyBroker(), new ManualTimers()];
    const topic = openTopics({ broker, timers, requestTimeoutMs: 1_000 }).topic("news");
    broker.onCall = () => new Promise(() => {});
    const socket = new RecordingSocket();
    const subscribing = topic.subscribe(socket);
    const [error] = await Promise.all([failureOf(subscribing), timers.advance(1_000)]);
    expect(error).toMatchObject({ code: "BROKER_TIMEOUT", isRetryable: true });
    expect(socket.sent).toEqual([]);
    broker.onCall = async () => {};
    await topic.subscribe(socket);
    await topic.publish("1");
    expect(texts(socket)).toEqual(["1"]);
  });

  it("ends a subscription at the broker that is confirmed too late", async () => {
    const [broker, timers] = [new FaultyBroker(), new ManualTimers()];
    const topic = openTopics({ broker, timers, requestTimeoutMs: 1_000 }).topic("news");
    let answer!: () => void;
    broker.onCall = () => new Promise((resolve) => (answer = resolve));
    const subscribing = topic.subscribe(new RecordingSocket());
    const [error] = await Promise.all([failureOf(subscribing), timers.advance(1_000)]);
    expect(error).toBeInstanceOf(BrokerError);
    answer();
    await settle();
    expect(broker.listeners.size).toBe(0);
  });
});

describe("an onError that fails", () => {
  const failure = new Error("onError failed");

  /** Subscribes to a topic with a publication that cannot be encoded, and publishes once more. */
  async function publishWith(onError: () => unknown): Promise<RecordingSocket> {
    const topic = openTopics({
      onError,
      encode: (message) => {
        if (message.type !== "publication") return message.type;
        if (message.publication.data === "bad") throw new Error("cannot be encoded");
        return message.publication.data;
      },
    }).topic("news");
    const socket = new RecordingSocket();
    await topic.subscribe(socket);
    await topic.publish("bad");
    await topic.publish("good");
    await settle();
    return socket;
  }

  it.each<[string, () => unknown]>([
    [
      "throws",
      () => {
        throw failure;
      },
    ],
    ["rejects", () => Promise.reject(failure)],
  ])("does not affect subscribers if it %s: both errors are printed", async (_how, onError) => {
    const print = vi.spyOn(console, "error").mockImplementation(() => {});
    onTestFinished(() => print.mockRestore());
    expect((await publishWith(onError)).sent).toEqual(["subscribed", "lost", "good"]);
    expect(print.mock.calls).toEqual([
      [expect.objectContaining({ message: "cannot be encoded" })],
      [failure],
    ]);
  });

  it("is named on the console if its error cannot be printed", async () => {
    const print = vi.spyOn(console, "error").mockImplementation((value) => {
      if (typeof value !== "string") throw new Error("cannot be printed");
    });
    onTestFinished(() => print.mockRestore());
    const socket = await publishWith(() => {
      throw failure;
    });
    expect(socket.sent).toEqual(["subscribed", "lost", "good"]);
    expect(print).toHaveBeenLastCalledWith(
      "tideway: the application threw a value that the console cannot print",
    );
  });
});

describe("an encoder that throws", () => {
  it("loses one publication, which is reported, and no other", async () => {
    const errors: unknown[] = [];
    const topic = openTopics({
      onError: (error) => errors.push(error),
      encode: (message) => {
        if (message.type !== "publication") return JSON.stringify({ ...message, position: null });
        if (message.publication.data === "bad") throw new Error("cannot be encoded");
        if (message.publication.data === "worse") return 7 as never;
        return JSON.stringify({ type: "publication", text: message.publication.data });
      },
    }).topic("news");
    const socket = new RecordingSocket();
    await topic.subscribe(socket);
    for (const text of ["1", "bad", "2", "worse", "3"]) await topic.publish(text);
    expect(types(socket)).toEqual([
      "subscribed",
      "publication",
      "lost",
      "publication",
      "lost",
      "publication",
    ]);
    expect(texts(socket)).toEqual(["1", "2", "3"]);
    expect(errors).toHaveLength(2);
  });
});

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}
