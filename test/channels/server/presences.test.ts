import { BrokerError, MemoryBroker } from "tideway/topics";
import { describe, expect, it, vi } from "vitest";
import { FaultyBroker } from "../../topics/support.ts";
import {
  type Frame,
  type Options,
  type RawClient,
  schema,
  start,
  type TestServer,
} from "./support.ts";

const named = schema<{ name: string }>(
  (value) => typeof (value as { name?: unknown })?.name === "string",
);

const contract = {
  topics: {
    "rooms/:room": { message: named, member: named },
    news: { message: named },
  },
};

const RULES = {
  "rooms/:room": {
    subscribe: true,
    enter: ({ state }: { state: string }) => ({ id: state, data: { name: state } }),
  },
  news: { subscribe: true, enter: () => ({ id: "x" }) },
};

function serve(options: Options & { topics?: object } = {}): Promise<TestServer> {
  return start(contract, {
    authorize: ({ auth }) => ({ state: auth }),
    rules: RULES,
    ...options,
  });
}

async function connect(server: TestServer, name: string, fields: object = {}): Promise<RawClient> {
  const client = await server.connect();
  await client.hello({ auth: name, session: name.padEnd(22, "_"), ...fields });
  return client;
}

/** Watches the members, and returns their names. */
async function watch(client: RawClient, topic = "rooms/a"): Promise<readonly unknown[]> {
  client.send({ type: "watch", id: 1_000, topic });
  return namesOf(await client.next("members"));
}

function namesOf({ members }: Frame): readonly unknown[] {
  return (members as { id: string }[]).map(({ id }) => id);
}

function enter(client: RawClient, id: number, fields: object = {}): Promise<Frame> {
  return client.request({ type: "enter", id, topic: "rooms/a", ...fields });
}

const leave = (id: number): { readonly id: number } =>
  ({ type: "leave", id, topic: "rooms/a" }) as { readonly id: number };

describe("entering a topic", () => {
  it("is answered with the member, and reported to clients that watch the members", async () => {
    const server = await serve();
    const [ann, bob] = [await connect(server, "ann"), await connect(server, "bob")];
    expect(await enter(ann, 1)).toEqual({
      type: "result",
      id: 1,
      member: { id: "ann", data: { name: "ann" } },
    });
    expect(await watch(bob)).toEqual(["ann"]);
    await enter(bob, 1);
    expect(await bob.next("join")).toEqual({
      type: "join",
      topic: "rooms/a",
      member: { id: "bob", data: { name: "bob" } },
    });
    await ann.request(leave(2));
    expect(await bob.next("leave")).toMatchObject({ member: { id: "ann" } });
    expect(await server.api.topic("rooms/:room", { room: "a" }).members()).toEqual([
      { id: "bob", data: { name: "bob" } },
    ]);
  });

  it("is answered again if it is repeated, and leaving without it has no effect", async () => {
    const server = await serve();
    const ann = await connect(server, "ann");
    expect(await ann.request(leave(1))).toEqual({ type: "result", id: 1 });
    const first = await enter(ann, 2);
    expect(await enter(ann, 3)).toEqual({ ...first, id: 3 });
  });

  it("needs a topic with members, a known topic, and a valid member", async () => {
    let member: unknown = { id: "ann", data: {} };
    const server = await serve({ rules: { ...RULES, "rooms/:room": { enter: () => member } } });
    const ann = await connect(server, "ann");
    expect(await enter(ann, 1, { topic: "news" })).toMatchObject({
      code: "FORBIDDEN",
      message: "the topic has no presence, because its contract has no member",
    });
    expect(await enter(ann, 2, { topic: "other" })).toMatchObject({ code: "UNKNOWN_TOPIC" });
    expect(await enter(ann, 3)).toEqual({
      type: "error",
      id: 3,
      code: "INTERNAL",
      message: "a rule, a handler or the broker failed; onError of the server has the error",
    });
    member = { id: 5, data: { name: "ann" } };
    expect(await enter(ann, 4)).toMatchObject({ code: "INTERNAL" });
    expect(server.errors.splice(0)).toMatchObject([
      { code: "INVALID_MESSAGE" },
      { code: "INVALID_MEMBER" },
    ]);
    member = { id: "ann", data: { name: "ann" } };
    expect(await enter(ann, 5)).toMatchObject({ type: "result" });
  });

  it("fails with TOO_MANY_REQUESTS above maxPresences, also while it leaves", async () => {
    const broker = new FaultyBroker();
    const server = await serve({ topics: { broker }, limits: { maxPresences: 2 } });
    const ann = await connect(server, "ann");
    let release = (): void => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    broker.onCall = () => held;
    for (let id = 1; id <= 100; id++) {
      ann.send({ type: "enter", id, topic: `rooms/${id}` });
      ann.send({ type: "leave", id: 1_000 + id, topic: `rooms/${id}` });
    }
    expect(await ann.answer(100)).toMatchObject({ code: "TOO_MANY_REQUESTS" });
    expect(broker.calls.filter((call) => call === "enter")).toHaveLength(2);
    release();
    expect(await ann.answer(1_002)).toMatchObject({ type: "result" });
    expect(await enter(ann, 2_000)).toMatchObject({ type: "result" });
  });
});

describe("a client that has entered maxPresences topics", () => {
  it("gets TOO_MANY_TOPICS for another one, and can leave a topic that an earlier connection entered", async () => {
    const server = await serve({ limits: { maxPresences: 1 } });
    const ann = await connect(server, "ann", { connection: 2 });
    await enter(ann, 1);
    const refused = await enter(ann, 2, { topic: "rooms/b" });
    expect(refused).toMatchObject({ code: "TOO_MANY_TOPICS" });
    expect(refused).not.toHaveProperty("retryAfterMs");
    expect(await ann.request({ ...leave(3), topic: "rooms/c", replaces: 1 })).toEqual({
      type: "result",
      id: 3,
    });
    await ann.request(leave(4));
    expect(await enter(ann, 5, { topic: "rooms/b" })).toMatchObject({ type: "result" });
  });
});

describe("a member", () => {
  it.each([1000, 1001])("leaves at once if its client closes with %i", async (code) => {
    const server = await serve();
    const [ann, bob] = [await connect(server, "ann"), await connect(server, "bob")];
    await enter(ann, 1);
    expect(await watch(bob)).toEqual(["ann"]);
    ann.socket.close(code);
    expect(await bob.next("leave")).toMatchObject({ member: { id: "ann" } });
  });

  it("leaves at once if the server closes its session as forbidden", async () => {
    const server = await serve();
    const [ann, bob] = [await connect(server, "ann"), await connect(server, "bob")];
    await enter(ann, 1);
    await watch(bob);
    server.api
      .sessions({ where: ({ state }) => (state as unknown) === "ann" })[0]
      .close("forbidden");
    expect(await bob.next("leave")).toMatchObject({ member: { id: "ann" } });
  });

  it("stays when its connection is lost, and through a return on another server", async () => {
    const broker = new MemoryBroker();
    const [one, other] = [await serve({ topics: { broker } }), await serve({ topics: { broker } })];
    const bob = await connect(other, "bob");
    const ann = await connect(one, "ann");
    await enter(ann, 1);
    expect(await watch(bob)).toEqual(["ann"]);
    ann.terminate();
    await vi.waitFor(() => expect(one.api.sessions()).toEqual([]));
    const again = await connect(other, "ann", { connection: 2 });
    await enter(again, 1, { replaces: 1 });
    await again.request(leave(2));
    expect(await bob.next("leave")).toMatchObject({ member: { id: "ann" } });
    expect(bob.received).toEqual([]);
  });

  it("leaves after presenceGraceMs if its client does not return", async () => {
    const server = await serve({ presenceGraceMs: 20 });
    const [ann, bob] = [await connect(server, "ann"), await connect(server, "bob")];
    await enter(ann, 1);
    await watch(bob);
    ann.terminate();
    expect(await bob.next("leave")).toMatchObject({ member: { id: "ann" } });
  });

  it("replaces the entries of at most 16 connections: of the first, and of the latest", async () => {
    const broker = new MemoryBroker();
    const server = await serve({ topics: { broker } });
    const ann = await connect(server, "ann", { connection: Number.MAX_SAFE_INTEGER });
    await enter(ann, 1, { replaces: 1 });
    const [{ value }] = await broker.members("rooms/a");
    const { replaces } = JSON.parse(value) as { replaces: string[] };
    const numbers = replaces.map((key) => Number(key.split("-").at(-1)));
    const latest = Array.from({ length: 15 }, (_, index) => Number.MAX_SAFE_INTEGER - 1 - index);
    expect(numbers).toEqual([...latest, 1]);
  });

  it("fails to leave with UNAVAILABLE if the broker cannot remove earlier entries", async () => {
    const broker = new FaultyBroker();
    const server = await serve({ topics: { broker }, limits: { maxPresences: 1 } });
    const ann = await connect(server, "ann", { connection: 2 });
    broker.onCall = () => Promise.reject(new BrokerError("BROKER_UNAVAILABLE", "cut off"));
    for (const id of [1, 2]) {
      expect(await ann.request({ ...leave(id), replaces: 1 })).toMatchObject({
        type: "error",
        code: "UNAVAILABLE",
      });
    }
    broker.onCall = async () => {};
    expect(await ann.request({ ...leave(3), replaces: 1 })).toEqual({ type: "result", id: 3 });
  });

  it.each([
    ["the rule denies", () => false, "FORBIDDEN"],
    ["the rule throws", () => Promise.reject(new Error("no")), "INTERNAL"],
    ["the member is not valid", () => ({ id: "ann", data: {} }), "INTERNAL"],
  ])("leaves at once if %s when its client returns, to any server", async (_, refuse, code) => {
    const broker = new MemoryBroker();
    const options = { topics: { broker }, presenceGraceMs: 600_000 };
    const rules = { ...RULES, "rooms/:room": { subscribe: true, enter: refuse } };
    const [one, other] = [await serve(options), await serve({ ...options, rules })];
    const bob = await connect(other, "bob");
    const ann = await connect(one, "ann");
    await enter(ann, 1);
    expect(await watch(bob)).toEqual(["ann"]);
    ann.terminate();
    await vi.waitFor(() => expect(one.api.sessions()).toEqual([]));
    const again = await connect(other, "ann", { connection: 2 });
    expect(await enter(again, 1, { replaces: 1 })).toMatchObject({ code });
    expect(await bob.next("leave")).toMatchObject({ member: { id: "ann" } });
    expect(await other.api.topic("rooms/:room", { room: "a" }).members()).toEqual([]);
    other.errors.length = 0;
  });

  it("stays for the grace period if the broker does not answer when its client returns", async () => {
    const broker = new FaultyBroker();
    const server = await serve({ topics: { broker }, presenceGraceMs: 600_000 });
    const ann = await connect(server, "ann");
    await enter(ann, 1);
    ann.terminate();
    await vi.waitFor(() => expect(server.api.sessions()).toEqual([]));
    const again = await connect(server, "ann", { connection: 2 });
    broker.onCall = () => Promise.reject(new BrokerError("BROKER_UNAVAILABLE", "cut off"));
    expect(await enter(again, 1, { replaces: 1 })).toMatchObject({ code: "UNAVAILABLE" });
    broker.onCall = async () => {};
    const room = server.api.topic("rooms/:room", { room: "a" });
    expect(await room.members()).toMatchObject([{ id: "ann" }]);
    server.errors.length = 0;
  });

  it("cannot be removed by another session", async () => {
    const server = await serve();
    const [ann, eve] = [await connect(server, "ann"), await connect(server, "eve")];
    await enter(ann, 1);
    await enter(eve, 1, { replaces: 1 });
    expect(await watch(eve)).toEqual(expect.arrayContaining(["ann", "eve"]));
  });
});

describe("watching the members", () => {
  it("needs the subscribe rule, and a topic with members", async () => {
    const server = await serve({ rules: { "rooms/:room": {}, news: { subscribe: true } } });
    server.errors.length = 0;
    const ann = await connect(server, "ann");
    for (const [id, topic, code] of [
      [1, "rooms/a", "FORBIDDEN"],
      [2, "news", "FORBIDDEN"],
      [3, "other", "UNKNOWN_TOPIC"],
    ] as const) {
      expect(await ann.request({ type: "watch", id, topic })).toMatchObject({ code });
    }
  });

  it("ends with unwatch, and with a rule that denies later", async () => {
    let isAllowed = true;
    const server = await serve({
      rules: { ...RULES, "rooms/:room": { ...RULES["rooms/:room"], subscribe: () => isAllowed } },
    });
    const [ann, bob] = [await connect(server, "ann"), await connect(server, "bob")];
    await watch(ann);
    await watch(bob);
    expect(await bob.request({ type: "watch", id: 5, topic: "rooms/a" })).toMatchObject({
      code: "INVALID_REQUEST",
    });
    ann.send({ type: "unwatch", topic: "rooms/a" });
    await enter(ann, 1);
    expect(await bob.next("join")).toMatchObject({ member: { id: "ann" } });
    expect(ann.received).toEqual([]);
    isAllowed = false;
    await server.api.recheck();
    expect(await bob.next("unwatched")).toEqual({
      type: "unwatched",
      topic: "rooms/a",
      code: "FORBIDDEN",
      message: "no rule allows the request",
    });
    isAllowed = true;
    expect(await watch(bob)).toEqual(["ann"]);
  });

  it("fails with TOO_MANY_TOPICS above maxWatches", async () => {
    const server = await serve({ limits: { maxWatches: 2 } });
    const ann = await connect(server, "ann");
    for (const topic of ["rooms/a", "rooms/b"]) await watch(ann, topic);
    expect(await ann.request({ type: "watch", id: 3, topic: "rooms/c" })).toMatchObject({
      code: "TOO_MANY_TOPICS",
    });
    ann.send({ type: "unwatch", topic: "rooms/a" });
    expect(await watch(ann, "rooms/c")).toEqual([]);
  });
});

describe("a slow client that watches the members", () => {
  it("gets the list of members instead of the changes that it missed", async () => {
    const big = "x".repeat(8_000_000);
    let calls = 0;
    const server = await start(
      { ...contract, calls: { big: { output: named } } },
      {
        authorize: ({ auth }) => ({ state: auth }),
        rules: RULES,
        calls: { big: () => (calls++, big) },
      },
    );
    const [slow, ann, bob] = [
      await connect(server, "slow"),
      await connect(server, "ann"),
      await connect(server, "bob"),
    ];
    await watch(slow);
    slow.socket.pause();
    slow.send({ type: "call", id: 1, name: "big" });
    await vi.waitFor(() => expect(calls).toBe(1));
    await enter(ann, 1);
    await enter(bob, 1);
    await ann.request(leave(2));
    slow.socket.resume();
    expect(await slow.answer(1)).toMatchObject({ output: big });
    expect(namesOf(await slow.next("members"))).toEqual(["bob"]);
    expect(slow.received).toEqual([]);
  });
});
