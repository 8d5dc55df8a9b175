import {
  BrokerError,
  type EncodeTopicMessage,
  MemoryBroker,
  type TopicMessage,
  type TopicOptions,
} from "tideway/topics";
import { describe, expect, it } from "vitest";
import { NO_DEBUG_LOG } from "../../../src/errors/debug-log.ts";
import { Feed, type FeedOptions } from "../../../src/topics/subscribers/feed.ts";
import type { Publication } from "../../../src/topics/broker/publication.ts";
import { resolveTopicOptions } from "../../../src/topics/messages/topic-options.ts";
import type { TopicsEnvironment } from "../../../src/topics/messages/topics-environment.ts";
import {
  FaultyBroker,
  follow,
  ManualTimers,
  received,
  RecordingSocket,
  settle,
  texts,
  types,
} from "../support.ts";

const TOPIC = "news";

/** A feed on a broker that a test can disturb, and the errors that it reports. */
class Stage {
  readonly broker: FaultyBroker;
  readonly timers = new ManualTimers();
  readonly errors: unknown[] = [];
  readonly settings;
  readonly feed: Feed;
  emptied = 0;
  /** The number of messages that were encoded for many sockets. */
  shared = 0;
  #ids = 0;

  constructor(
    options: TopicOptions = {},
    broker = new FaultyBroker(new MemoryBroker({ nowMs: () => 0 })),
  ) {
    this.broker = broker;
    const environment: TopicsEnvironment = {
      broker: this.broker,
      timers: this.timers,
      requestTimeoutMs: 1_000,
      publishTimeoutMs: 1_000,
      presenceTtlMs: 1_000,
      log: NO_DEBUG_LOG,
      share: (content) => {
        this.shared++;
        return content;
      },
      report: (error) => void this.errors.push(error),
      checkOpen: () => {},
    };
    this.settings = resolveTopicOptions(options);
    this.feed = new Feed(TOPIC, environment, this.settings, () => this.emptied++);
  }

  async publish(...data: readonly string[]): Promise<void> {
    for (const text of data) {
      const draft = { id: `${this.#ids++}`, data: text };
      await this.broker.inner.publish(TOPIC, draft, this.settings.retention);
    }
  }

  async subscribe(since?: unknown) {
    const socket = new RecordingSocket();
    const subscription = await this.feed.subscribe(socket, { since });
    const { position, recovered, reason } = subscription;
    const unsubscribe = (): void => subscription.unsubscribe();
    return { socket, position, recovered, reason, unsubscribe };
  }

  async subscribeWith(options: FeedOptions): Promise<RecordingSocket> {
    const socket = new RecordingSocket();
    await this.feed.subscribe(socket, options);
    return socket;
  }

  /** Loses deliveries until the returned function is called. */
  loseDeliveries(): () => void {
    this.broker.onDelivery = () => {};
    return () => (this.broker.onDelivery = (deliver) => deliver());
  }
}

async function openStage(options: TopicOptions = {}, data: readonly string[] = []): Promise<Stage> {
  const stage = new Stage(options);
  await stage.publish(...data);
  await stage.feed.open();
  stage.broker.calls.length = 0;
  return stage;
}

/** The error with which a promise rejects. Handled at once, since the test awaits it later. */
const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

const unavailable = (): BrokerError => new BrokerError("BROKER_UNAVAILABLE", "cut off");

describe("a Feed that opens", () => {
  it("reads only the position, and the history once for the first subscribers that need it", async () => {
    const stage = new Stage();
    await stage.publish("1", "2", "3");
    await stage.feed.open();
    expect(stage.broker.calls).toEqual(["subscribe", "history"]);
    const { epoch } = stage.feed.position;
    await stage.subscribe();
    await stage.subscribe(stage.feed.position);
    expect(stage.broker.calls).toHaveLength(2);
    const behind = await Promise.all([0, 1, 2].map((offset) => stage.subscribe({ epoch, offset })));
    await stage.subscribe({ epoch, offset: 1 });
    expect(behind.map(({ socket }) => texts(socket))).toEqual([["1", "2", "3"], ["2", "3"], ["3"]]);
    expect(stage.broker.calls).toEqual(["subscribe", "history", "history"]);
  });

  it("joins the history to the publications that have arrived before and during the read", async () => {
    const stage = await openStage({}, ["1", "2"]);
    const { epoch } = stage.feed.position;
    await stage.publish("3");
    stage.broker.onPage = async (page) => {
      stage.broker.onPage = async (later) => later;
      await stage.publish("4");
      return page;
    };
    const { socket } = await stage.subscribe({ epoch, offset: 1 });
    await stage.publish("5");
    expect(texts(socket)).toEqual(["2", "3", "4", "5"]);
    expect(stage.broker.calls).toEqual(["history"]);
  });

  it("reads the history again if the first read has failed", async () => {
    const stage = await openStage({}, ["1", "2"]);
    const since = { ...stage.feed.position, offset: 1 };
    stage.broker.onCall = () => Promise.reject(unavailable());
    await expect(stage.subscribe(since)).rejects.toMatchObject({ code: "BROKER_UNAVAILABLE" });
    stage.broker.onCall = async () => {};
    const { socket } = await stage.subscribe(since);
    expect(texts(socket)).toEqual(["2"]);
  });

  it("keeps no history in memory that does not reach the publications in memory", async () => {
    const stage = await openStage({ historySize: 3 }, ["1", "2"]);
    const { epoch } = stage.feed.position;
    await stage.publish("3");
    stage.broker.onPage = async ({ position, publications }) => ({
      position,
      publications: publications.slice(0, 1),
    });
    const { socket } = await stage.subscribe({ epoch, offset: 1 });
    expect(stage.feed.recent.size).toBe(1);
    await settle();
    expect(texts(socket)).toEqual(["2", "3"]);
  });

  it("delivers what arrives while it opens", async () => {
    const stage = new Stage();
    stage.broker.onPage = async (page) => {
      await stage.publish("during");
      return page;
    };
    await stage.feed.open();
    expect(stage.feed.position.offset).toBe(1);
  });

  it.each(["subscribe", "history"])("rejects and closes if %s fails", async (method) => {
    const stage = new Stage();
    stage.broker.onCall = async (called) => {
      if (called === method) throw unavailable();
    };
    await expect(stage.feed.open()).rejects.toThrow("cut off");
    expect(stage.broker.listeners.size).toBe(0);
    await expect(stage.subscribe()).rejects.toMatchObject({ code: "BROKER_CLOSED" });
  });

  it("stops listening if the broker answers after the timeout", async () => {
    const stage = new Stage();
    let answer!: () => void;
    stage.broker.onCall = () => new Promise((resolve) => (answer = resolve));
    const opening = stage.feed.open();
    const failure = failureOf(opening);
    await stage.timers.advance(1_000);
    expect(await failure).toMatchObject({ code: "BROKER_TIMEOUT" });
    answer();
    await settle();
    expect(stage.broker.listeners.size).toBe(0);
  });
});

describe("a Feed that gets a position", () => {
  it.each([
    ["no-position", undefined],
    ["no-position", ""],
    ["invalid-position", "x"],
    ["epoch-changed", "other:1"],
  ])("starts at the end with the reason %s for %j", async (reason, since) => {
    const stage = await openStage({}, ["1", "2"]);
    const { socket, ...start } = await stage.subscribe(since);
    expect(start).toMatchObject({ recovered: false, reason, position: stage.feed.position });
    expect(received(socket)).toEqual([
      expect.objectContaining({ type: "subscribed", recovered: false, reason }),
    ]);
  });

  it("starts at the end with position-ahead after the broker confirms it", async () => {
    const stage = await openStage({}, ["1"]);
    const start = await stage.subscribe({ ...stage.feed.position, offset: 5 });
    expect(start).toMatchObject({ recovered: false, reason: "position-ahead" });
    expect(stage.broker.calls).toContain("history");
  });

  it("starts at the end with missing if the history is too short", async () => {
    const stage = await openStage({ historySize: 2 }, ["1", "2", "3", "4", "5"]);
    const start = await stage.subscribe({ ...stage.feed.position, offset: 1 });
    expect(start).toMatchObject({ recovered: false, reason: "missing" });
  });

  it("reads ahead before it calls a position unknown, because another server may have sent it", async () => {
    const stage = await openStage();
    const deliver = stage.loseDeliveries();
    await stage.publish("1", "2");
    deliver();
    const { recovered, socket } = await stage.subscribe({ ...stage.feed.position, offset: 1 });
    await settle();
    expect(recovered).toBe(true);
    expect(texts(socket)).toEqual(["2"]);
  });

  it("rejects, and allows the socket to retry, if the broker must be read and fails", async () => {
    const stage = await openStage({}, ["1"]);
    stage.broker.onCall = () => Promise.reject(unavailable());
    const socket = new RecordingSocket();
    const subscribing = stage.feed.subscribe(socket, { since: "other:1" });
    const failure = failureOf(subscribing);
    await stage.timers.advance(1_000);
    expect(await failure).toMatchObject({ code: "BROKER_TIMEOUT" });
    stage.broker.onCall = async () => {};
    await stage.feed.subscribe(socket, {});
    expect(types(socket)).toEqual(["subscribed"]);
  });

  it("refuses a socket that is already subscribed or subscribing", async () => {
    const stage = await openStage({}, ["1"]);
    const socket = new RecordingSocket();
    const first = stage.feed.subscribe(socket, { since: "other:1" });
    const expected = { name: "UsageError", code: "ALREADY_SUBSCRIBED" };
    await expect(stage.feed.subscribe(socket, {})).rejects.toMatchObject(expected);
    await first;
    await expect(stage.feed.subscribe(socket, {})).rejects.toMatchObject(expected);
  });

  it("allows a socket to subscribe again after its end", async () => {
    const stage = await openStage();
    const { socket, unsubscribe } = await stage.subscribe();
    unsubscribe();
    expect(stage.emptied).toBe(1);
    await stage.feed.subscribe(socket, {});
    await stage.publish("1");
    expect(texts(socket)).toEqual(["1"]);
  });
});

describe("a Feed that follows the broker", () => {
  it("ignores publications that the broker delivers twice", async () => {
    const stage = await openStage();
    const { socket } = await stage.subscribe();
    stage.broker.onDelivery = (deliver) => {
      deliver();
      deliver();
    };
    await stage.publish("1", "2");
    expect(texts(socket)).toEqual(["1", "2"]);
    expect(stage.broker.calls).toEqual([]);
  });

  it("reads undelivered publications at the next publication", async () => {
    const stage = await openStage();
    const { socket } = await stage.subscribe();
    const deliver = stage.loseDeliveries();
    await stage.publish("1", "2");
    deliver();
    await stage.publish("3");
    await settle();
    expect(texts(socket)).toEqual(["1", "2", "3"]);
    expect(stage.broker.calls).toEqual(["history"]);
  });

  it("reads undelivered publications at the second check without a publication", async () => {
    const stage = await openStage();
    const { socket } = await stage.subscribe();
    await stage.publish("1");
    const deliver = stage.loseDeliveries();
    await stage.publish("2");
    deliver();
    stage.feed.check();
    await settle();
    expect(texts(socket)).toEqual(["1"]);
    stage.feed.check();
    await settle();
    expect(texts(socket)).toEqual(["1", "2"]);
  });

  it("reads as many pages as needed after an interruption", async () => {
    const stage = await openStage({ historySize: 2_000 });
    const { socket } = await stage.subscribe();
    const deliver = stage.loseDeliveries();
    const numbers = Array.from({ length: 600 }, (_, index) => `${index}`);
    await stage.publish(...numbers);
    deliver();
    stage.broker.interrupt();
    await settle();
    expect(texts(socket)).toEqual(numbers);
    expect(stage.broker.calls.length).toBe(3);
  });

  it("retries a read until the broker answers, and reports the first failure", async () => {
    const stage = await openStage();
    const { socket } = await stage.subscribe();
    const deliver = stage.loseDeliveries();
    await stage.publish("1");
    deliver();
    stage.broker.onCall = () => Promise.reject(unavailable());
    stage.broker.interrupt();
    await stage.timers.advance(20_000);
    expect(stage.errors).toEqual([unavailable()]);
    expect(texts(socket)).toEqual([]);
    stage.broker.onCall = async () => {};
    await stage.timers.advance(5_000);
    expect(texts(socket)).toEqual(["1"]);
  });

  it("delivers publications of a read before publications that arrive during the read", async () => {
    const stage = await openStage();
    const { socket } = await stage.subscribe();
    const deliver = stage.loseDeliveries();
    await stage.publish("1");
    deliver();
    stage.broker.onPage = async (page) => {
      stage.broker.onPage = async (later) => later;
      await stage.publish("2", "3");
      return page;
    };
    stage.broker.interrupt();
    await settle();
    expect(texts(socket)).toEqual(["1", "2", "3"]);
  });

  it("reads again if more arrive during a read than it keeps", async () => {
    const stage = await openStage({ historySize: 5_000 });
    const { socket } = await stage.subscribe();
    const deliver = stage.loseDeliveries();
    await stage.publish("first");
    deliver();
    const numbers = Array.from({ length: 1_100 }, (_, index) => `${index}`);
    stage.broker.onPage = async (page) => {
      stage.broker.onPage = async (later) => later;
      await stage.publish(...numbers);
      return page;
    };
    stage.broker.interrupt();
    await settle();
    expect(texts(socket)).toEqual(["first", ...numbers]);
  });

  it("delivers publications while a read waits for the broker", async () => {
    const stage = await openStage();
    const { socket } = await stage.subscribe();
    let answer = (): void => {};
    stage.broker.onCall = () => new Promise((resolve) => (answer = resolve));
    stage.broker.interrupt();
    await stage.publish("1", "2");
    expect(texts(socket)).toEqual(["1", "2"]);
    await stage.timers.advance(20_000);
    await stage.publish("3");
    expect(texts(socket)).toEqual(["1", "2", "3"]);
    stage.broker.onCall = async () => {};
    answer();
    await stage.timers.advance(5_000);
    await stage.publish("4");
    expect(texts(socket)).toEqual(["1", "2", "3", "4"]);
    expect(types(socket)).not.toContain("lost");
    follow(socket);
  });

  it.each([
    ["does not have the", 0],
    ["has only the first of the", 2],
    ["has the last of the", 10],
  ])("accepts a page that %s publications that were delivered during the read", async (_, read) => {
    const stage = await openStage({ historySize: 3 });
    const { socket } = await stage.subscribe();
    const numbers = Array.from({ length: 10 }, (_number, index) => `${index}`);
    stage.broker.onCall = async () => {
      stage.broker.onCall = async () => {};
      await stage.publish(...numbers.slice(0, read));
    };
    stage.broker.onPage = async (page) => {
      stage.broker.onPage = async (later) => later;
      await stage.publish(...numbers.slice(read));
      return page;
    };
    stage.broker.interrupt();
    await settle();
    await stage.publish("last");
    expect(texts(socket)).toEqual([...numbers, "last"]);
    expect(types(socket)).not.toContain("lost");
    expect(stage.broker.calls).toEqual(["history"]);
  });

  it("sends lost if more than the delivered publications are missing after a read", async () => {
    const stage = await openStage({ historySize: 3 });
    const { socket } = await stage.subscribe();
    stage.broker.onCall = async () => {
      stage.broker.onCall = async () => {};
      await stage.publish("0", "1");
      const deliver = stage.loseDeliveries();
      await stage.publish("2", "3", "4", "5");
      deliver();
    };
    stage.broker.interrupt();
    await settle();
    expect(texts(socket)).toEqual(["0", "1", "3", "4", "5"]);
    expect(received(socket).find(({ type }) => type === "lost")).toMatchObject({
      reason: "missing",
    });
    follow(socket);
  });

  it("sends lost if the history no longer has the undelivered publications", async () => {
    const stage = await openStage({ historySize: 2 });
    const { socket } = await stage.subscribe();
    const deliver = stage.loseDeliveries();
    await stage.publish("1", "2", "3", "4", "5");
    deliver();
    stage.broker.interrupt();
    await settle();
    await stage.publish("6");
    expect(types(socket)).toEqual([
      "subscribed",
      "lost",
      "publication",
      "publication",
      "publication",
    ]);
    expect(received(socket)[1]).toMatchObject({ type: "lost", reason: "missing" });
    expect(texts(socket)).toEqual(["4", "5", "6"]);
  });

  it("sends lost when the epoch has changed and continues in the new epoch", async () => {
    const stage = await openStage({}, ["1"]);
    const { socket } = await stage.subscribe();
    const inEpoch = (publication: Publication): Publication => ({
      ...publication,
      position: { ...publication.position, epoch: "new" },
    });
    stage.broker.onPage = async ({ position, publications }) => ({
      position: { ...position, epoch: "new" },
      publications: publications.map(inEpoch),
    });
    stage.broker.interrupt();
    await settle();
    expect(received(socket)[1]).toMatchObject({ type: "lost", reason: "epoch-changed" });
    expect(stage.feed.position).toEqual({ epoch: "new", offset: 1 });
    const [listener] = stage.broker.listeners;
    const publication = { position: { epoch: "new", offset: 2 }, id: "2", data: "2" };
    listener.onPublication(publication);
    await settle();
    expect(texts(socket)).toEqual(["2"]);
  });

  it("serves nothing of an earlier epoch from memory", async () => {
    const stage = await openStage({}, ["1", "2"]);
    const { epoch } = stage.feed.position;
    stage.broker.onPage = async ({ position }) => ({
      position: { ...position, epoch: "new" },
      publications: [],
    });
    stage.broker.interrupt();
    await settle();
    const start = await stage.subscribe({ epoch, offset: 1 });
    expect(start).toMatchObject({ recovered: false, reason: "epoch-changed" });
  });
});

describe("a Feed with an encoder", () => {
  it("encodes a publication once for any number of subscribers", async () => {
    const stage = await openStage();
    const sockets = [await stage.subscribe(), await stage.subscribe(), await stage.subscribe()];
    await stage.publish("1");
    expect(stage.shared).toBe(1);
    expect(sockets.map(({ socket }) => texts(socket))).toEqual([["1"], ["1"], ["1"]]);
  });

  it("reports an encoder that throws and sends lost instead of the publication", async () => {
    const broken = new Error("cannot encode");
    const stage = await openStage({
      encode(message) {
        if (message.type === "publication" && message.publication.data === "bad") throw broken;
        return JSON.stringify(message);
      },
    });
    const { socket } = await stage.subscribe();
    await stage.publish("good", "bad", "good");
    expect(types(socket)).toEqual(["subscribed", "publication", "lost", "publication"]);
    expect(stage.errors).toEqual([broken]);
  });

  it("reports an encoder that returns a value of another type", async () => {
    const stage = await openStage({ encode: () => 1 as never });
    await stage.subscribe();
    expect(stage.errors).toMatchObject([{ name: "UsageError", code: "INVALID_DATA" }]);
  });

  it("encodes a publication in memory again if its encoder has failed before", async () => {
    let isBroken = true;
    const stage = await openStage(
      {
        encode(message) {
          if (isBroken && message.type === "publication") throw new Error("cannot encode");
          return JSON.stringify(message);
        },
      },
      ["1", "2", "3"],
    );
    const since = { ...stage.feed.position, offset: 1 };
    const { socket: unlucky } = await stage.subscribe(since);
    await settle();
    expect(types(unlucky)).toEqual(["subscribed", "lost"]);
    isBroken = false;
    const { socket, recovered } = await stage.subscribe(since);
    expect(recovered).toBe(true);
    expect(types(socket)).toEqual(["subscribed", "publication", "publication"]);
  });
});

describe("Feed: encoders of subscribers", () => {
  const compact = (message: TopicMessage): string =>
    message.type === "publication" ? `c ${message.publication.data as string}` : message.type;

  it("encodes a publication once with each encoder, also for subscribers that return", async () => {
    const counts = new Map<string, number>();
    const counted =
      (name: string): EncodeTopicMessage =>
      (message) => {
        if (message.type !== "publication") return message.type;
        const text = `${name} ${message.publication.data as string}`;
        counts.set(text, (counts.get(text) ?? 0) + 1);
        return text;
      };
    const encoders = [counted("a"), counted("b")];
    const stage = await openStage();
    const { epoch } = stage.feed.position;
    const live = [0, 1, 0, 1].map((index) => ({ encode: encoders[index] }));
    const sockets = await Promise.all(live.map((options) => stage.subscribeWith(options)));
    await stage.publish("1", "2");
    for (const encode of encoders) {
      await stage.subscribeWith({ encode, since: { epoch, offset: 0 } });
    }
    expect(sockets.map(({ sent }) => sent.slice(1))).toEqual([
      ["a 1", "a 2"],
      ["b 1", "b 2"],
      ["a 1", "a 2"],
      ["b 1", "b 2"],
    ]);
    expect([...counts.values()]).toEqual([1, 1, 1, 1]);
  });

  it("calls no encoder that has no subscriber", async () => {
    let calls = 0;
    const stage = await openStage({ encode: () => `${calls++}` });
    const socket = await stage.subscribeWith({ encode: compact });
    await stage.publish("1");
    expect(socket.sent).toEqual(["subscribed", "c 1"]);
    expect(calls).toBe(0);
  });

  it("reports a loss only to the subscribers of an encoder that throws", async () => {
    const broken = new Error("cannot encode");
    const stage = await openStage();
    const failing = await stage.subscribeWith({
      encode(message) {
        if (message.type === "publication" && message.publication.data === "bad") throw broken;
        return compact(message);
      },
    });
    const working = await stage.subscribeWith({ encode: compact });
    await stage.publish("good", "bad", "good");
    expect(failing.sent).toEqual(["subscribed", "c good", "lost", "c good"]);
    expect(working.sent).toEqual(["subscribed", "c good", "c bad", "c good"]);
    expect(stage.errors).toEqual([broken]);
  });

  it("sends a shared message of an encoder unchanged, and does not prepare it again", async () => {
    const stage = await openStage();
    const shared = { data: "shared" };
    const socket = await stage.subscribeWith({ encode: () => shared });
    await stage.publish("1");
    expect(socket.sent).toEqual([shared, shared]);
    expect(stage.shared).toBe(0);
  });

  it("refuses a socket that is subscribed with another encoder", async () => {
    const stage = await openStage();
    const socket = await stage.subscribeWith({ encode: compact });
    await expect(stage.feed.subscribe(socket, {})).rejects.toMatchObject({
      code: "ALREADY_SUBSCRIBED",
    });
  });

  it("is empty once the subscribers of all encoders have ended", async () => {
    const stage = await openStage();
    const { unsubscribe } = await stage.subscribe();
    const socket = await stage.subscribeWith({ encode: compact });
    unsubscribe();
    expect([stage.feed.hasSubscribers, stage.emptied]).toEqual([true, 0]);
    socket.close();
    await settle();
    expect([stage.feed.hasSubscribers, stage.emptied]).toEqual([false, 1]);
  });

  it("keeps publications within its memory with very many encoders", async () => {
    const stage = await openStage({ historySize: 5_000 });
    const sockets: RecordingSocket[] = [];
    for (let index = 0; index < 50; index++) {
      sockets.push(await stage.subscribeWith({ encode: (message) => compact(message) }));
    }
    const numbers = Array.from({ length: 1_000 }, (_, index) => `${index}`);
    await stage.publish(...numbers);
    expect(stage.feed.recent.size).toBeLessThan(400);
    for (const { sent } of sockets) expect(sent).toHaveLength(1 + numbers.length);
  });
});

describe("Feed: starting before the end", () => {
  it.each<[number, readonly string[]]>([
    [1, ["4"]],
    [3, ["2", "3", "4"]],
    [4, ["1", "2", "3", "4"]],
    [100, ["1", "2", "3", "4"]],
    [0, []],
  ])("sends the last %i publications from memory", async (last, expected) => {
    const stage = await openStage({}, ["1", "2", "3", "4"]);
    const socket = new RecordingSocket();
    const start = await stage.feed.subscribe(socket, { last });
    expect(start).toMatchObject({ recovered: false, reason: "no-position" });
    expect(start.position).toEqual({ ...stage.feed.position, offset: 4 - expected.length });
    expect(texts(socket)).toEqual(expected);
    expect(stage.broker.calls).toEqual(last === 0 ? [] : ["history"]);
    await stage.feed.subscribe(new RecordingSocket(), { last });
    expect(stage.broker.calls.length).toBeLessThan(2);
    await stage.publish("5");
    expect(follow(socket)?.offset).toBe(5);
  });

  it("reads the broker if memory has fewer, and only once if the broker has no more", async () => {
    const numbers = Array.from({ length: 400 }, (_, index) => `${index + 1}`);
    const stage = await openStage({ historySize: 300 }, numbers);
    const socket = new RecordingSocket();
    await stage.feed.subscribe(socket, { last: 280 });
    await settle();
    expect(texts(socket)).toEqual(numbers.slice(-280));
    stage.broker.calls.length = 0;
    const greedy = new RecordingSocket();
    const { position } = await stage.feed.subscribe(greedy, { last: 1_000 });
    await settle();
    expect(position.offset).toBe(100);
    expect(texts(greedy)).toEqual(numbers.slice(-300));
    expect(follow(greedy)?.offset).toBe(400);
  });

  it("starts after a gap in the history", async () => {
    const stage = await openStage({ historySize: 2_000 }, ["1"]);
    const { epoch } = stage.feed.position;
    const page = [2, 3, 5, 6].map((offset) => ({
      position: { epoch, offset },
      id: `${offset}`,
      data: `${offset}`,
    }));
    stage.broker.onPage = async () => ({ position: { epoch, offset: 6 }, publications: page });
    const other = new Stage({}, stage.broker);
    await other.feed.open();
    const socket = new RecordingSocket();
    const { position } = await other.feed.subscribe(socket, { last: 10 });
    expect(position).toEqual({ epoch, offset: 4 });
  });

  it("reads the broker once if the history has fewer than it may keep", async () => {
    const stage = await openStage({ historySize: 2_000 }, ["1"]);
    const { epoch } = stage.feed.position;
    const position = { epoch, offset: 6 };
    const page = [5, 6].map((offset) => ({
      position: { epoch, offset },
      id: `${offset}`,
      data: `${offset}`,
    }));
    stage.broker.onPage = async () => ({ position, publications: page });
    const other = new Stage({}, stage.broker);
    await other.feed.open();
    for (const calls of [["history"], [], []]) {
      other.broker.calls.length = 0;
      const socket = new RecordingSocket();
      const start = await other.feed.subscribe(socket, { last: 10 });
      expect(start.position).toEqual({ epoch, offset: 4 });
      expect(texts(socket)).toEqual(["5", "6"]);
      expect(other.broker.calls).toEqual(calls);
    }
  });

  it("reads publications that it has missed before it starts", async () => {
    const stage = await openStage({ historySize: 2_000 });
    const deliver = stage.loseDeliveries();
    const numbers = Array.from({ length: 300 }, (_, index) => `${index + 1}`);
    await stage.publish(...numbers);
    deliver();
    await stage.publish("301");
    const socket = new RecordingSocket();
    await stage.feed.subscribe(socket, { last: 2 });
    await settle();
    expect(texts(socket).slice(-2)).toEqual(["300", "301"]);
    expect(follow(socket)?.offset).toBe(301);
  });

  it("ignores last if the subscriber has a position, even a lost one", async () => {
    const stage = await openStage({}, ["1", "2", "3"]);
    const { position } = stage.feed;
    for (const since of [position, "other:1", "invalid"]) {
      const socket = new RecordingSocket();
      await stage.feed.subscribe(socket, { since, last: 3 });
      expect(texts(socket)).toEqual([]);
    }
  });
});

describe("a Feed that closes", () => {
  it("stops listening and closes its sockets with 1001", async () => {
    const stage = await openStage();
    const { socket } = await stage.subscribe();
    await stage.feed.close();
    expect(socket.closeCode).toBe(1001);
    expect(stage.broker.listeners.size).toBe(0);
    expect(stage.feed.hasSubscribers).toBe(false);
  });

  it("ends pending reads and delivers nothing more", async () => {
    const stage = await openStage();
    const [listener] = stage.broker.listeners;
    const { socket } = await stage.subscribe();
    stage.broker.onCall = () => Promise.reject(unavailable());
    stage.broker.interrupt();
    await settle();
    await stage.feed.close();
    await stage.timers.advance(60_000);
    expect(stage.broker.calls).toEqual(["history"]);
    listener.onPublication({ position: { ...stage.feed.position, offset: 1 }, id: "1", data: "1" });
    expect(texts(socket)).toEqual([]);
  });

  it("rejects a subscriber that is waiting for the broker", async () => {
    const stage = await openStage();
    let answer!: () => void;
    stage.broker.onCall = () => new Promise((resolve) => (answer = resolve));
    const subscribing = stage.subscribe("other:1");
    const failure = failureOf(subscribing);
    await settle();
    await stage.feed.close();
    stage.broker.onCall = async () => {};
    answer();
    expect(await failure).toMatchObject({ code: "BROKER_CLOSED" });
  });
});

describe("a Feed with presence", () => {
  it("sends the members first, then joins and leaves when the broker reports a change", async () => {
    const stage = await openStage({ presence: true });
    const { socket } = await stage.subscribe();
    const entry = { key: "k", value: JSON.stringify({ v: 1, id: "ann" }) };
    await stage.broker.inner.enter(TOPIC, entry, 60_000);
    await settle();
    await stage.broker.inner.leave(TOPIC, "k");
    await settle();
    expect(types(socket)).toEqual(["subscribed", "members", "join", "leave"]);
  });

  it("reads the members at each check", async () => {
    const stage = await openStage({ presence: true });
    await stage.subscribe();
    stage.broker.calls.length = 0;
    stage.feed.check();
    await settle();
    expect(stage.broker.calls).toContain("members");
  });
});
