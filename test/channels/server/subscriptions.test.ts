import { connect } from "tideway/channels";
import { BrokerError } from "tideway/topics";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { bytes } from "../../../src/channels/contract/index.ts";
import { deferred } from "../../../src/server/socket/deferred.ts";
import { FaultyBroker, settle } from "../../topics/support.ts";
import {
  anything,
  type Frame,
  type Options,
  type RawClient,
  start,
  type TestServer,
} from "./support.ts";

const contract = {
  topics: {
    "rooms/:room": { message: anything },
    "video/:id": { message: bytes() },
  },
};

const RULES = {
  "rooms/:room": { subscribe: true, publish: true },
  "video/:id": { subscribe: true, publish: true },
};

async function open(
  options: Options & { topics?: object } = {},
): Promise<{ server: TestServer; client: RawClient }> {
  const server = await start(contract, { rules: RULES, ...options });
  const client = await server.connect();
  await client.hello();
  return { server, client };
}

function subscribe(
  client: RawClient,
  id: number,
  topic: string,
  fields: object = {},
): Promise<Frame> {
  return client.request({ type: "subscribe", id, topic, credit: 1_000_000, ...fields });
}

describe("subscribing", () => {
  it("tells the number of the topic and the position, and sends every later publication", async () => {
    const { server, client } = await open();
    const topic = server.api.topic("rooms/:room", { room: "a" });
    await topic.publish("before");
    const subscribed = await subscribe(client, 1, "rooms/a");
    expect(subscribed).toEqual({
      type: "subscribed",
      id: 1,
      topic: "rooms/a",
      number: 0,
      position: expect.stringMatching(/:1$/),
      recovered: false,
      reason: "no-position",
    });
    await topic.publish({ after: 1 });
    expect(await client.next()).toEqual([0, { after: 1 }]);
  });

  it("starts at a position, or some publications before the end", async () => {
    const { server, client } = await open();
    const topic = server.api.topic("rooms/:room", { room: "a" });
    const positions: string[] = [];
    for (const n of [1, 2, 3, 4]) positions.push((await topic.publish(n)).position!);
    const since = await subscribe(client, 1, "rooms/a", { since: positions[1] });
    expect(since).toMatchObject({ position: positions[1], recovered: true });
    expect([await client.next(), await client.next()]).toEqual([
      [0, 3],
      [0, 4],
    ]);
    const other = await server.connect();
    await other.hello();
    const last = await subscribe(other, 1, "rooms/a", { last: 1 });
    expect(last).toMatchObject({ position: positions[2], recovered: false, reason: "no-position" });
    expect(await other.next()).toEqual([0, 4]);
  });

  it.each([
    ["nonsense", "invalid-position"],
    ["other:5", "epoch-changed"],
  ])("at the position %s says why it cannot continue there", async (since, reason) => {
    const { client } = await open();
    expect(await subscribe(client, 1, "rooms/a", { since })).toMatchObject({
      recovered: false,
      reason,
    });
  });

  it("numbers a topic once for all connections, and uses a number again when it is free", async () => {
    const { server, client } = await open();
    const other = await server.connect();
    await other.hello();
    expect((await subscribe(client, 1, "rooms/a"))["number"]).toBe(0);
    expect((await subscribe(client, 2, "rooms/b"))["number"]).toBe(1);
    expect((await subscribe(other, 1, "rooms/b"))["number"]).toBe(1);
    client.send({ type: "unsubscribe", topic: "rooms/a" });
    expect((await subscribe(client, 3, "rooms/c"))["number"]).toBe(0);
  });

  it("sends bytes in binary frames", async () => {
    const { server, client } = await open();
    await subscribe(client, 1, "video/1");
    await server.api.topic("video/:id", { id: "1" }).publish(new Uint8Array([10, 0, 255]));
    expect(await client.next()).toEqual([0, new Uint8Array([10, 0, 255])]);
  });

  it("fails with INVALID_REQUEST a second time, and may be repeated after unsubscribe", async () => {
    const { client } = await open();
    await subscribe(client, 1, "rooms/a");
    expect(await subscribe(client, 2, "rooms/a")).toMatchObject({ code: "INVALID_REQUEST" });
    client.send({ type: "unsubscribe", topic: "rooms/a" });
    expect(await subscribe(client, 3, "rooms/a")).toMatchObject({ type: "subscribed" });
  });

  it("fails with INVALID_REQUEST if the client unsubscribes before the answer", async () => {
    let release = (_value: boolean): void => {};
    const { client } = await open({
      rules: { "rooms/:room": { subscribe: () => new Promise((resolve) => (release = resolve)) } },
    });
    client.send({ type: "subscribe", id: 1, topic: "rooms/a", credit: 1 });
    client.send({ type: "unsubscribe", topic: "rooms/a" });
    expect(await client.answer(1)).toMatchObject({ code: "INVALID_REQUEST" });
    release(true);
    expect(await subscribe(client, 2, "other")).toMatchObject({ code: "UNKNOWN_TOPIC" });
    expect(client.received).toEqual([]);
  });

  it("fails with UNAVAILABLE if the broker does not answer", async () => {
    const broker = new FaultyBroker();
    broker.onCall = () => Promise.reject(new BrokerError("BROKER_UNAVAILABLE", "no"));
    const { client } = await open({ topics: { broker } });
    expect(await subscribe(client, 1, "rooms/a")).toMatchObject({ code: "UNAVAILABLE" });
    broker.onCall = async () => {};
    expect(await subscribe(client, 2, "rooms/a")).toMatchObject({ type: "subscribed" });
  });

  it("ends with the connection, and the server forgets the topic", async () => {
    const broker = new FaultyBroker();
    const { server, client } = await open({ topics: { broker } });
    await subscribe(client, 1, "rooms/a");
    client.socket.close();
    await client.closed;
    const other = await server.connect();
    await other.hello();
    await vi.waitFor(async () =>
      expect((await subscribe(other, Date.now(), "rooms/b"))["number"]).toBe(0),
    );
  });

  it("shares a topic with subscribers and publishers that do not use channels", async () => {
    const { server, client } = await open();
    await subscribe(client, 1, "rooms/a");
    await server.topics.topic("rooms/a").publish('{"by":"hand"}');
    expect(await client.next()).toEqual([0, { by: "hand" }]);
    await server.topics.topic("rooms/a").publish("not JSON");
    expect(await client.next("lost")).toMatchObject({ topic: "rooms/a", reason: "missing" });
    expect(server.errors.splice(0)).toMatchObject([{ code: "INVALID_DATA" }]);
    await server.api.topic("rooms/:room", { room: "a" }).publish(5);
    expect(await client.next()).toEqual([0, 5]);
  });
});

describe("the credit of a subscription", () => {
  it("stops only its own topic, which continues without a gap", async () => {
    const { server, client } = await open();
    await subscribe(client, 1, "rooms/slow", { credit: 10 });
    await subscribe(client, 2, "rooms/fast");
    const [slow, fast] = ["slow", "fast"].map((room) => server.api.topic("rooms/:room", { room }));
    for (let n = 0; n < 20; n++) await slow.publish(`s${n}`);
    await fast.publish("f");
    // Each publication has 8 bytes, such as `[0,"s0"]`. The second overdraws the credit.
    const got = [await client.next(), await client.next(), await client.next()];
    expect(got).toEqual([
      [0, "s0"],
      [0, "s1"],
      [1, "f"],
    ]);
    client.send({ type: "credit", topic: "rooms/slow", bytes: 1_000 });
    for (let n = 2; n < 20; n++) expect(await client.next()).toEqual([0, `s${n}`]);
  });

  it("counts bytes of UTF-8", async () => {
    const { server, client } = await open();
    await subscribe(client, 1, "rooms/a", { credit: 13 });
    const topic = server.api.topic("rooms/:room", { room: "a" });
    // `[0,"€€€"]` has 9 characters and 15 bytes.
    await topic.publish("€€€");
    await topic.publish("next");
    expect(await client.next()).toEqual([0, "€€€"]);
    expect(await subscribe(client, 2, "rooms/b")).toMatchObject({ type: "subscribed" });
    expect(client.received).toEqual([]);
    client.send({ type: "credit", topic: "rooms/a", bytes: 3 });
    expect(await client.next()).toEqual([0, "next"]);
  });

  // The client adds credit when half of its window has been read. A server that gave less credit would wait for ever.
  it.each([
    ["stored", false],
    ["volatile", true],
  ])("may be as much as the window of the client, for a %s topic", async (_, isVolatile) => {
    const topics = { "blobs/:id": { message: anything, isVolatile } };
    const server = await start({ topics }, { rules: { "blobs/:id": { subscribe: true } } });
    const client = connect(server.url, { creditBytes: 16_777_216 });
    const subscribed = deferred<void>();
    const messages = client
      .topic("blobs/:id", { id: "a" })
      .messages({ onSubscribed: () => subscribed.resolve() });
    const blobs = server.api.topic("blobs/:id", { id: "a" });
    const iterator = messages[Symbol.asyncIterator]();
    const data = "x".repeat(60_000);
    for (let count = 0; count < 200; count++) {
      const next = iterator.next();
      await subscribed.promise;
      await blobs.publish(data);
      expect((await next).value).toMatchObject({ data });
    }
    await client.close();
  });

  it("of 0 gets no publication, but the notice of a loss", async () => {
    const { server, client } = await open();
    await subscribe(client, 1, "rooms/a", { credit: 0 });
    await server.topics.topic("rooms/a").publish("not JSON");
    expect(await client.next("lost")).toMatchObject({ topic: "rooms/a" });
    server.errors.length = 0;
  });

  it("of an unknown topic is ignored", async () => {
    const { client } = await open();
    client.send({ type: "credit", topic: "rooms/other", bytes: 5 });
    expect(await subscribe(client, 1, "rooms/a")).toMatchObject({ type: "subscribed" });
  });
});

describe("running the subscribe rules again", () => {
  it("ends subscriptions that are denied now, by recheck and by fresh credentials", async () => {
    let denied = new Set<string>();
    const { server, client } = await open({
      authorize: () => ({ state: {}, expiresAtMs: Date.now() + 60_000 }),
      rules: {
        "rooms/:room": {
          subscribe: ({ params }: { params: { room: string } }) => !denied.has(params.room),
        },
      },
    });
    await subscribe(client, 1, "rooms/a");
    await subscribe(client, 2, "rooms/b");
    await subscribe(client, 3, "rooms/c");
    denied = new Set(["a"]);
    await server.api.recheck();
    expect(await client.next("unsubscribed")).toEqual({
      type: "unsubscribed",
      topic: "rooms/a",
      code: "FORBIDDEN",
      message: "no rule allows the request",
    });
    denied = new Set(["b"]);
    client.send({ type: "auth", auth: 1 });
    expect(await client.next("unsubscribed")).toMatchObject({ topic: "rooms/b" });
    for (const room of ["a", "b", "c"])
      await server.api.topic("rooms/:room", { room }).publish(room);
    expect(await client.next()).toEqual([2, "c"]);
    expect(client.received.filter((frame) => Array.isArray(frame))).toEqual([]);
  });

  it("ends them with INTERNAL if a rule throws, and concerns only the chosen sessions", async () => {
    let isBroken = false;
    const server = await start(contract, {
      authorize: ({ auth }) => ({ state: auth }),
      rules: {
        "rooms/:room": {
          subscribe: () => {
            if (isBroken) throw new Error("secret");
            return true;
          },
        },
      },
    });
    const clients = [await server.connect(), await server.connect()];
    for (const [index, client] of clients.entries()) {
      await client.hello({ auth: `user ${index}` });
      await subscribe(client, 1, "rooms/a");
    }
    isBroken = true;
    await server.api.recheck(({ state }) => state === "user 1");
    expect(await clients[1].next("unsubscribed")).toMatchObject({ code: "INTERNAL" });
    expect(server.errors.splice(0)).toHaveLength(1);
    isBroken = false;
    await server.api.topic("rooms/:room", { room: "a" }).publish(1);
    expect(await clients[0].next()).toEqual([0, 1]);
  });

  it("ends them with INTERNAL if a rule does not settle within authTimeoutMs, and resolves", async () => {
    let hangs = false;
    const { server, client } = await open({
      rules: {
        "rooms/:room": {
          subscribe: ({ params }: { params: { room: string } }) =>
            params.room === "b" || !hangs || new Promise(() => {}),
        },
      },
    });
    await subscribe(client, 1, "rooms/a");
    await subscribe(client, 2, "rooms/b");
    hangs = true;
    vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const rechecked = server.api.recheck();
    vi.advanceTimersByTime(10_000);
    await rechecked;
    expect(await client.next("unsubscribed")).toMatchObject({ topic: "rooms/a", code: "INTERNAL" });
    expect(server.errors.splice(0)).toMatchObject([{ name: "TidewayError", code: "RULE_TIMEOUT" }]);
    for (const room of ["a", "b"]) await server.api.topic("rooms/:room", { room }).publish(room);
    expect(await client.next()).toEqual([1, "b"]);
  });

  it("keeps them if a rule allows late, but in time", async () => {
    let allow = (): void => {};
    let isLate = false;
    const late = new Promise<boolean>((resolve) => (allow = () => resolve(true)));
    const { server, client } = await open({
      rules: { "rooms/:room": { subscribe: () => (isLate ? late : true) } },
    });
    await subscribe(client, 1, "rooms/a");
    isLate = true;
    vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const rechecked = server.api.recheck();
    vi.advanceTimersByTime(9_999);
    allow();
    await rechecked;
    vi.advanceTimersByTime(1_000);
    await server.api.topic("rooms/:room", { room: "a" }).publish(1);
    expect(await client.next()).toEqual([0, 1]);
  });
});

describe("many subscriptions", () => {
  it("of 100,000 asked for, maxSubscriptions are served, and all are answered", async () => {
    const { server, client } = await open({ limits: { maxSubscriptions: 50 } });
    const asked = 100_000;
    for (let id = 1; id <= asked; id++) {
      client.send({ type: "subscribe", id, topic: `rooms/${id}`, credit: 1 });
    }
    await client.answer(asked);
    await vi.waitFor(() => expect(client.received).toHaveLength(asked - 1));
    const types = client.received.map((frame) => (frame as Frame)["type"]);
    expect(types.filter((type) => type === "subscribed")).toHaveLength(50);
    const [refused] = client.received.filter((frame) => (frame as Frame)["type"] === "error");
    expect(refused).toEqual({
      type: "error",
      id: 51,
      code: "TOO_MANY_TOPICS",
      message: "the limit maxSubscriptions is reached; end the use of another topic first",
    });
    expect(server.api.sessions()).toHaveLength(1);
  });

  it("count until the broker has answered, also if the client unsubscribes", async () => {
    const broker = new FaultyBroker();
    const { client } = await open({ topics: { broker }, limits: { maxSubscriptions: 3 } });
    let release = (): void => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    broker.onCall = () => held;
    for (let id = 1; id <= 100; id++) {
      client.send({ type: "subscribe", id, topic: `rooms/${id}`, credit: 1 });
      client.send({ type: "unsubscribe", topic: `rooms/${id}` });
    }
    await client.answer(100);
    expect(broker.calls.filter((call) => call === "subscribe").length).toBeLessThanOrEqual(3);
    release();
    await settle();
    broker.onCall = async () => {};
    await vi.waitFor(async () => {
      const answer = await subscribe(client, Date.now(), "rooms/a");
      expect(answer["type"]).toBe("subscribed");
    });
  });
});

describe("closing Topics", () => {
  it("closes the connections that are subscribed with 1001", async () => {
    const { server, client } = await open();
    await subscribe(client, 1, "rooms/a");
    await server.topics.close();
    expect((await client.closed).code).toBe(1001);
  });
});
