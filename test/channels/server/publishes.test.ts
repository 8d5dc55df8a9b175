import { connect } from "tideway/channels";
import { BrokerError } from "tideway/topics";
import { describe, expect, it, vi } from "vitest";
import { FaultyBroker } from "../../topics/support.ts";
import { anything, type Options, type RawClient, start, type TestServer, text } from "./support.ts";

const contract = {
  topics: {
    "rooms/:room": { publish: text, message: anything },
    "plain/:room": { message: text },
  },
};

const RULES = {
  "rooms/:room": { subscribe: true, publish: true },
  "plain/:room": { publish: true },
};

async function open(
  options: Options & { topics?: object } = {},
): Promise<{ server: TestServer; client: RawClient; broker: FaultyBroker }> {
  const broker = new FaultyBroker();
  const server = await start(contract, { rules: RULES, topics: { broker }, ...options });
  const client = await server.connect();
  await client.hello();
  return { server, client, broker };
}

const publish = { type: "publish", topic: "rooms/a", data: "x" };

describe("a publish", () => {
  it("is answered with its position, and stored once if it is sent again", async () => {
    const { server, client } = await open();
    const first = await client.request({ ...publish, id: 1, number: 1 });
    expect(first).toEqual({
      type: "result",
      id: 1,
      position: expect.stringMatching(/:1$/),
      isDuplicate: false,
    });
    const again = await server.connect();
    await again.hello({ connection: 2 });
    expect(await again.request({ ...publish, id: 1, number: 1 })).toMatchObject({
      position: first["position"],
      isDuplicate: true,
    });
  });

  it("of the client with an empty id fails, and is not stored", async () => {
    const { server } = await open();
    const client = connect(server.url);
    const room = client.topic("rooms/:room", { room: "a" });
    await expect(room.publish("x", { id: "" })).rejects.toMatchObject({
      code: "INVALID_REQUEST",
      mayBeStored: false,
    });
    expect(await room.publish("y")).toMatchObject({ isDuplicate: false });
    const { publications } = await server.topics.topic("rooms/a").history();
    expect(publications.map(({ data }) => data)).toEqual(['"y"']);
    await client.close();
  });

  it.each([
    ["a topic", "plain/a", true],
    ["a topic with a slow rule", "plain/a", () => Promise.resolve(true)],
    ["a volatile topic", "cursors/a", true],
  ])("to %s right after a subscribe reaches its own client", async (_what, topic, subscribe) => {
    const rule = { subscribe, publish: true };
    const server = await start(
      {
        topics: {
          "plain/:room": { message: text },
          "cursors/:board": { message: text, isVolatile: true },
        },
      },
      { rules: { "plain/:room": rule, "cursors/:board": rule } },
    );
    const client = await server.connect();
    await client.hello();
    client.send({ type: "subscribe", id: 1, topic, credit: 1000 });
    client.send({ type: "publish", id: 2, topic, data: "mine", number: 1 });
    await vi.waitFor(() => expect(client.received).toContainEqual([expect.any(Number), "mine"]));
  });

  it.each(["fails", "ends"])("that waits for a subscribe is stored if that %s", async (how) => {
    let deny!: (result: false) => void;
    const subscribe = (): Promise<boolean> => new Promise((resolve) => (deny = resolve));
    const rules = { "plain/:room": { subscribe, publish: true } };
    const server = await start({ topics: { "plain/:room": { message: text } } }, { rules });
    const client = await server.connect();
    await client.hello();
    client.send({ type: "subscribe", id: 1, topic: "plain/a", credit: 1000 });
    client.send({ type: "publish", id: 2, topic: "plain/a", data: "x", number: 1 });
    // After its answer, the earlier publish waits.
    const other = { type: "publish", topic: "plain/b", data: "x" };
    expect(await client.request({ ...other, id: 3, number: 2 })).toMatchObject({ type: "result" });
    expect(client.received).toEqual([]);
    if (how === "fails") deny(false);
    else client.send({ type: "unsubscribe", topic: "plain/a" });
    await vi.waitFor(() =>
      expect(client.received).toContainEqual(expect.objectContaining({ type: "result", id: 2 })),
    );
  });

  it("cannot use the id of another session", async () => {
    const { server, client } = await open();
    await client.request({ ...publish, id: 1, number: 1 });
    const { publications } = await server.topics.topic("rooms/a").history();
    const [{ id }] = publications;
    expect(id).toMatch(/^[\w-]{22}-1$/);
    const other = await server.connect();
    await other.hello({ session: id.slice(0, 22) });
    for (const [requestId, fields] of [
      [1, { number: 1 }],
      [2, { key: id }],
    ] as const) {
      expect(await other.request({ ...publish, id: requestId, ...fields })).toMatchObject({
        isDuplicate: false,
      });
    }
  });

  it("may have a key of the application, the same for all sessions", async () => {
    const { server, client } = await open();
    const other = await server.connect();
    await other.hello({ session: "B".repeat(22) });
    const first = await client.request({ ...publish, id: 1, key: "order 5" });
    const second = await other.request({ ...publish, id: 1, key: "order 5" });
    expect([first["isDuplicate"], second["isDuplicate"]]).toEqual([false, true]);
  });

  it("fails with INVALID_DATA if the draft is not valid, and is not stored", async () => {
    const { client } = await open();
    expect(await client.request({ ...publish, id: 1, number: 1, data: 5 })).toMatchObject({
      code: "INVALID_DATA",
      issues: [{ message: "no" }],
      mayBeStored: false,
    });
  });

  it("fails with INVALID_DATA if the draft is nested so deeply that JSON cannot express the message", async () => {
    const deep = { topics: { "rooms/:room": { message: anything } } };
    const publishRule = ({ draft }: { draft: unknown }): unknown => ({ draft });
    for (const rule of [true, publishRule]) {
      const server = await start(deep, { rules: { "rooms/:room": { publish: rule } } });
      const client = await server.connect();
      await client.hello();
      const data = "[".repeat(100_000) + "]".repeat(100_000);
      client.socket.send(`{"type":"publish","id":1,"topic":"rooms/a","number":1,"data":${data}}`);
      const refusal = {
        type: "error",
        id: 1,
        code: "INVALID_DATA",
        message: "the data is nested too deeply",
        mayBeStored: false,
      };
      expect(await client.answer(1)).toMatchObject(isJsonDeep() ? { type: "result" } : refusal);
      expect(server.errors).toEqual([]);
    }
  });

  it("stores what the rule returns, after the schema of messages has validated it", async () => {
    let message: unknown = { text: "hello" };
    const { server, client } = await open({
      rules: { "rooms/:room": { publish: () => message } },
    });
    await client.request({ ...publish, id: 1, number: 1 });
    const page = await server.api.topic("rooms/:room", { room: "a" }).history();
    expect(page.messages).toMatchObject([{ data: { text: "hello" } }]);
    const cycle: unknown[] = [];
    cycle.push(cycle);
    message = cycle;
    expect(await client.request({ ...publish, id: 2, number: 2 })).toEqual({
      type: "error",
      id: 2,
      code: "INTERNAL",
      message: "a rule, a handler or the broker failed; onError of the server has the error",
      mayBeStored: false,
    });
    expect(server.errors.splice(0)).toMatchObject([{ code: "INVALID_MESSAGE" }]);
  });

  it("fails with TOO_BIG above maxPublicationBytes", async () => {
    const { client } = await open({ topics: { maxPublicationBytes: 100 } });
    const answer = await client.request({ ...publish, id: 1, number: 1, data: "x".repeat(200) });
    expect(answer).toMatchObject({ code: "TOO_BIG", mayBeStored: false });
  });

  it("fails with UNAVAILABLE if the broker fails, and may be stored", async () => {
    const broker = new FaultyBroker();
    broker.onCall = () => Promise.reject(new BrokerError("BROKER_CLOSED", "no"));
    const { client } = await open({ topics: { broker } });
    expect(await client.request({ ...publish, id: 1, number: 1 })).toMatchObject({
      code: "UNAVAILABLE",
      message: "the broker cannot be reached; try again later",
      mayBeStored: true,
    });
  });
});

describe("publishes of one session to one topic", () => {
  it("are stored in their order, even if the first rule takes longer", async () => {
    const releases: (() => void)[] = [];
    const { server, client } = await open({
      rules: {
        "rooms/:room": {
          publish: ({ draft }: { draft: string }) =>
            draft === "slow" ? new Promise((resolve) => releases.push(() => resolve(true))) : true,
        },
      },
    });
    client.send({ ...publish, id: 1, number: 1, data: "slow" });
    client.send({ ...publish, id: 2, number: 2, data: "second" });
    // Another topic does not wait.
    await client.request({ ...publish, id: 3, number: 3, topic: "rooms/b" });
    expect(client.received).toEqual([]);
    releases[0]();
    await client.answer(2);
    const page = await server.api.topic("rooms/:room", { room: "a" }).history();
    expect(page.messages.map(({ data }) => data)).toEqual(["slow", "second"]);
  });

  it("fail behind a publish that failed with UNAVAILABLE, and are not stored", async () => {
    const broker = new FaultyBroker();
    let release = (): void => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    broker.onCall = async (method) => {
      if (method !== "publish") return;
      await held;
      throw new BrokerError("BROKER_CLOSED", "no");
    };
    const { client } = await open({ topics: { broker } });
    client.seesFailures = false;
    for (const id of [1, 2, 3]) client.send({ ...publish, id, number: id });
    // The answer shows that all three have arrived.
    await client.request({ ...publish, id: 4, number: 4, topic: "other" });
    release();
    const answers = [await client.answer(1), await client.answer(2), await client.answer(3)];
    expect(answers.map(({ code, mayBeStored }) => [code, mayBeStored])).toEqual([
      ["UNAVAILABLE", true],
      ["UNAVAILABLE", false],
      ["UNAVAILABLE", false],
    ]);
    broker.onCall = async () => {};
    client.send({ type: "seen", id: 3 });
    expect(await client.request({ ...publish, id: 5, number: 5 })).toMatchObject({
      type: "result",
    });
  });

  it("wait after a failure until the client has seen the latest one", async () => {
    const { server, client } = await open({
      rules: { "rooms/:room": { publish: ({ draft }: { draft: string }) => draft !== "refused" } },
    });
    client.seesFailures = false;
    for (const id of [1, 2]) client.send({ ...publish, id, number: id, data: "refused" });
    client.send({ ...publish, id: 3, number: 3, data: "later" });
    expect(await client.answer(1)).toMatchObject({ code: "FORBIDDEN", mayBeStored: false });
    client.send({ type: "seen", id: 1 });
    expect(await client.answer(2)).toMatchObject({ code: "FORBIDDEN" });
    client.send({ type: "seen", id: 1 }).send({ type: "ping" });
    await client.next("pong");
    const room = server.api.topic("rooms/:room", { room: "a" });
    expect((await room.history()).messages).toEqual([]);
    client.send({ type: "seen", id: 2 });
    expect(await client.answer(3)).toMatchObject({ type: "result" });
  });

  it("do not start if the connection ends before the client has seen a failure", async () => {
    const { server, client } = await open({
      rules: { "rooms/:room": { publish: ({ draft }: { draft: string }) => draft !== "refused" } },
    });
    client.seesFailures = false;
    client.send({ ...publish, id: 1, number: 1, data: "refused" });
    client.send({ ...publish, id: 2, number: 2, data: "later" });
    await client.answer(1);
    client.socket.close();
    await vi.waitFor(() => expect([...server.api.sessions()]).toEqual([]));
    const room = server.api.topic("rooms/:room", { room: "a" });
    expect((await room.history()).messages).toEqual([]);
  });

  it("do not start after the end of the connection", async () => {
    const broker = new FaultyBroker();
    let release = (): void => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    broker.onCall = () => held;
    const { server, client } = await open({ topics: { broker } });
    for (const id of [1, 2, 3]) client.send({ ...publish, id, number: id });
    await vi.waitFor(() => expect(broker.calls).toEqual(["publish"]));
    client.socket.close();
    await client.closed;
    await vi.waitFor(() => expect(server.api.sessions()).toEqual([]));
    release();
    const page = await server.topics.topic("rooms/a").history();
    expect(page.publications).toHaveLength(1);
  });

  it("fail with TOO_MANY_REQUESTS above maxPendingPublishes and publishesPerSecond", async () => {
    const { client } = await open({
      limits: { maxPendingPublishes: 2, topics: { "plain/:room": { perSecond: 1 } } },
      rules: { ...RULES, "rooms/:room": { publish: () => new Promise(() => {}) } },
    });
    for (const id of [1, 2]) client.send({ ...publish, id, number: id });
    expect(await client.request({ ...publish, id: 3, number: 3 })).toMatchObject({
      code: "TOO_MANY_REQUESTS",
      retryAfterMs: 1_000,
      mayBeStored: false,
    });
  });

  it("may have a rate for the topics of a pattern", async () => {
    const { client } = await open({ limits: { topics: { "plain/:room": { perSecond: 1 } } } });
    const plain = { ...publish, topic: "plain/a" };
    expect(await client.request({ ...plain, id: 1, number: 1 })).toMatchObject({ type: "result" });
    expect(await client.request({ ...plain, id: 2, number: 2 })).toMatchObject({
      code: "TOO_MANY_REQUESTS",
    });
    expect(await client.request({ ...publish, id: 3, number: 3 })).toMatchObject({
      type: "result",
    });
  });
});

/** Whether JSON can express such data, as in Node.js 26. */
function isJsonDeep(): boolean {
  try {
    JSON.stringify(JSON.parse("[".repeat(100_000) + "]".repeat(100_000)));
    return true;
  } catch {
    return false;
  }
}
