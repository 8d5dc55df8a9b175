import { channels } from "tideway/channels/server";
import { MemoryNetwork } from "tideway/testing";
import { Topics, type TopicsOptions } from "tideway/topics";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { anything, start, text } from "./support.ts";

function topics(options: TopicsOptions = {}): Topics {
  const created = new Topics(options);
  onTestFinished(() => created.close());
  return created;
}

const contract = {
  topics: { "rooms/:room": { message: text, member: anything }, news: { message: text } },
  calls: { it: { output: anything } },
};

const valid = {
  authorize: () => ({ state: 1 }),
  rules: { "rooms/:room": { subscribe: true }, news: { subscribe: true } },
  calls: { it: () => 1 },
};

function create(options: object): unknown {
  return channels(contract, { topics: topics(), ...valid, ...options } as never);
}

describe("the options of channels", () => {
  it.each([
    { topics: undefined },
    { topics: {} },
    { authorize: undefined },
    { authorize: { state: 1 } },
    { rules: 5 },
    { rules: { other: {} } },
    { rules: { "rooms/:room": { other: true } } },
    { rules: { "rooms/:room": { subscribe: false, publish: "yes" } } },
    { rules: { "rooms/:room": { enter: true } } },
    { rules: { "rooms/:room": true } },
    { calls: { it: () => 1, other: () => 1 } },
    { intercept: true },
    { onError: "console" },
    { presenceGraceMs: -1 },
    { idWindowMs: "1" },
    { limits: { maxSubscription: 1 } },
    { limits: { maxSubscriptions: 0 } },
    { limits: { publishesPerSecond: 0 } },
    { limits: { topics: { other: { perSecond: 1 } } } },
    { limits: { topics: { news: { perSeconds: 1 } } } },
    { limits: { calls: { it: { perSecond: "1" } } } },
    { other: true },
  ])("throw for %o", (options) => {
    expect(() => create(options)).toThrow(expect.objectContaining({ code: "INVALID_OPTION" }));
  });

  it("throw for options that are not an object", () => {
    expect(() => channels(contract, undefined as never)).toThrow(
      "channels: the options are undefined; pass an object",
    );
  });

  it("throw at the start of a server if route is not called", () => {
    const network = new MemoryNetwork();
    const { route } = create({}) as { route: unknown };
    expect(() => network.serve({ routes: { "ws:/api": route as never } })).toThrow(
      'the route "ws:/api" is invalid: its value is the method route, which is not called; write "ws:/api": api.route()',
    );
  });

  it.each([
    [{ rules: { typo: {} } }, '"typo" in rules is not a topic of the contract'],
    [{ topic: 5 }, '"topic" in the options is not an option'],
  ])("throw for an unknown name: %o", (options, message) => {
    expect(() => create(options)).toThrow(`channels: ${message}`);
  });

  it.each([{ calls: {} }, { calls: undefined }, { calls: { it: true } }])(
    "throw for a call without a handler: %o",
    (options) => {
      expect(() => create(options)).toThrow(expect.objectContaining({ code: "MISSING_HANDLER" }));
    },
  );

  it.each<[string, TopicsOptions, number | undefined, number]>([
    ["the defaults of channels", { idWindowMs: 60_000 }, undefined, 60_000],
    ["an equal window", { idWindowMs: 90_000 }, 90_000, 90_000],
    ["a pattern", { patterns: { "rooms/:name": { idWindowMs: 1_000 } } }, undefined, 1_000],
    ["a single name", { patterns: { "rooms/lobby": { idWindowMs: 1_000 } } }, undefined, 1_000],
  ])(
    "throw if clients may send a publish again after its topic has forgotten the id: %s",
    (_, topicsOptions, idWindowMs, shortestMs) => {
      const options = { ...valid, topics: topics(topicsOptions), idWindowMs };
      expect(() => channels(contract, options as never)).toThrow(
        expect.objectContaining({
          code: "INVALID_OPTION",
          message: expect.stringContaining(
            `idWindowMs is ${idWindowMs ?? 240_000}; it must be below idWindowMs ${shortestMs} of the topics of "rooms/:room"`,
          ) as string,
        }),
      );
    },
  );

  it.each<[string, TopicsOptions, object]>([
    ["a shorter window", { idWindowMs: 60_000 }, { idWindowMs: 59_999 }],
    [
      "patterns for all topics of the contract",
      {
        idWindowMs: 1,
        patterns: { "rooms/:room": { idWindowMs: 300_000 }, news: { idWindowMs: 300_000 } },
      },
      {},
    ],
    [
      "patterns of other topics",
      { patterns: { "other/:name": { idWindowMs: 1 }, other: { idWindowMs: 1 } } },
      {},
    ],
  ])("start with %s", (_, topicsOptions, options) => {
    const all = { ...valid, topics: topics(topicsOptions), ...options };
    expect(() => channels(contract, all as never)).not.toThrow();
  });

  it("start with volatile topics, which store no ids", () => {
    const volatile = { topics: { moves: { message: text, isVolatile: true } } };
    const rules = { moves: { subscribe: true } };
    const all = { ...valid, rules, calls: {}, topics: topics({ idWindowMs: 1 }) };
    expect(() => channels(volatile, all as never)).not.toThrow();
  });

  it("throw for a contract that is not valid", () => {
    expect(() => channels({ topics: { "a//b": { message: text } } }, valid as never)).toThrow(
      expect.objectContaining({ code: "INVALID_TOPIC_PATTERN" }),
    );
  });

  it("report a topic without any rule at the start", () => {
    const onError = vi.fn<(...args: unknown[]) => void>();
    create({ onError, rules: { news: { subscribe: true }, "rooms/:room": {} } });
    expect(onError.mock.calls).toEqual([
      [
        expect.objectContaining({ code: "TOPIC_WITHOUT_RULES" }),
        { kind: "start", name: "rooms/:room" },
      ],
    ]);
  });

  it("do not throw if onError and the console throw during a report", () => {
    const broken = (): void => {
      throw new Error("broken");
    };
    const print = vi.spyOn(console, "error").mockImplementation(broken);
    onTestFinished(() => print.mockRestore());
    create({ onError: broken, rules: { news: { subscribe: true }, "rooms/:room": {} } });
    expect(print).toHaveBeenCalled();
  });
});

describe("a topic on the server", () => {
  it("publishes valid messages, and has history and members", async () => {
    const api = channels(contract, { topics: topics(), ...valid } as never) as never as {
      topic(
        pattern: string,
        params?: object,
      ): {
        name: string;
        publish(
          message: unknown,
          options?: object,
        ): Promise<{ position: string; isDuplicate: boolean }>;
        history(options?: object): Promise<unknown>;
        members(): Promise<unknown>;
      };
    };
    const room = api.topic("rooms/:room", { room: "a b" });
    expect(room.name).toBe("rooms/a%20b");
    const first = await room.publish("one", { id: "x" });
    expect(await room.publish("one", { id: "x" })).toEqual({ ...first, isDuplicate: true });
    const { position } = await room.publish("two");
    expect(await room.history()).toEqual({
      messages: [
        { data: "one", position: first.position },
        { data: "two", position },
      ],
      position,
    });
    expect(await room.history({ before: position, limit: 5 })).toMatchObject({
      messages: [{ data: "one" }],
    });
    expect(await room.history({ after: "other:1" })).toEqual({
      messages: [],
      position,
      reason: "epoch-changed",
    });
    expect(await room.members()).toEqual([]);
    await expect(room.publish(5)).rejects.toMatchObject({ code: "INVALID_MESSAGE" });
    await expect(room.history({ before: "nonsense" })).rejects.toMatchObject({
      code: "INVALID_POSITION",
    });
    await expect(room.history({ before: position, after: position })).rejects.toMatchObject({
      code: "INVALID_OPTION",
    });
    expect(() => api.topic("other")).toThrow(expect.objectContaining({ code: "UNKNOWN_TOPIC" }));
    expect(() => api.topic("rooms/:room")).toThrow(
      expect.objectContaining({ code: "INVALID_PARAM" }),
    );
  });
});

describe("sessions", () => {
  it("belong to authorized clients, can be chosen by their state, and closed", async () => {
    const server = await start(contract, {
      ...valid,
      authorize: async ({ auth }) => ({ state: auth }),
    });
    const [ann, bob, cid] = [
      await server.connect(),
      await server.connect(),
      await server.connect(),
    ];
    await ann.hello({ auth: "ann" });
    await bob.hello({ auth: "bob", session: "B".repeat(22) });
    expect(server.api.sessions().map(({ state }) => state)).toEqual(["ann", "bob"]);
    expect(new Set(server.api.sessions().map(({ id }) => id)).size).toBe(2);
    for (const session of server.api.sessions({ where: ({ state }) => state === "bob" })) {
      session.close("forbidden");
    }
    expect(await bob.closed).toEqual({ code: 3003, reason: "forbidden" });
    await vi.waitFor(() => expect(server.api.sessions()).toHaveLength(1));
    server.api.sessions()[0].close("unauthorized");
    expect((await ann.closed).code).toBe(3000);
    cid.socket.close();
  });

  it("run a call, a publish and a subscription over one connection", async () => {
    const server = await start(contract, {
      ...valid,
      rules: { "rooms/:room": { subscribe: true, publish: true }, news: { subscribe: true } },
    });
    const client = await server.connect();
    expect(await client.hello()).toEqual({
      type: "welcome",
      idWindowMs: 240_000,
      repeatable: [],
      maxPending: { publish: 1_024, call: 64 },
      maxMessageBytes: 1_048_576,
    });
    await client.request({ type: "subscribe", id: 1, topic: "rooms/a", credit: 100 });
    await client.request({ type: "publish", id: 2, topic: "rooms/a", data: "x", number: 1 });
    expect(await client.next()).toEqual([0, "x"]);
    expect(await client.request({ type: "call", id: 3, name: "it" })).toMatchObject({ output: 1 });
    client.send({ type: "ping" });
    expect(await client.next("pong")).toEqual({ type: "pong" });
  });
});
