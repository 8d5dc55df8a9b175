import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bytes } from "../../src/channels/contract/index.ts";
import {
  anything,
  type RawClient,
  SECRET,
  start,
  type TestServer,
  text,
} from "../channels/server/support.ts";

const contract = {
  topics: {
    "rooms/:room": { message: text, member: anything },
    "video/:id": { message: bytes() },
    "cursors/:id": { message: anything, isVolatile: true },
  },
  calls: {
    echo: { input: anything, output: anything },
    later: { input: anything, output: anything, isIdempotent: true },
    count: { input: anything, item: anything },
  },
} as const;

const later = <T>(value: T): Promise<T> => new Promise((resolve) => setImmediate(resolve, value));

const options = {
  rules: {
    "rooms/:room": {
      subscribe: ({ params }: { params: { room: string } }) =>
        params.room === "b" ? later(true) : true,
      publish: true,
      enter: ({ session }: { session: { id: string } }) => later({ id: session.id }),
    },
    "video/:id": { subscribe: true, publish: () => later(true) },
    "cursors/:id": { subscribe: true, publish: true },
  },
  calls: {
    echo: (input: unknown) => input,
    later,
    count: async function* () {
      for (let n = 0; n < 1_000; n++) yield n;
    },
  },
  limits: {
    maxSubscriptions: 3,
    maxWatches: 2,
    maxPendingCalls: 4,
    maxStreams: 2,
    maxPendingPublishes: 4,
    maxPresences: 2,
  },
};

const value = fc.oneof(
  fc.constantFrom<unknown>(
    1,
    2,
    3,
    0,
    -1,
    1.5,
    1e300,
    "",
    "a",
    true,
    null,
    [],
    {},
    "a:1",
    SECRET,
    "rooms/a",
    "rooms/b",
    "rooms/%2F",
    "video/1",
    "cursors/1",
    "echo",
    "later",
    "count",
    "__proto__",
    "constructor",
    "x".repeat(5_000),
  ),
  fc.jsonValue({ maxDepth: 2 }),
);

const TYPES = [
  "subscribe",
  "unsubscribe",
  "credit",
  "publish",
  "watch",
  "unwatch",
  "enter",
  "leave",
  "history",
  "call",
  "stream",
  "cancel",
  "ping",
  "auth",
  "hello",
  "future",
];

const fields = fc.record(
  {
    type: fc.oneof(
      { weight: 50, arbitrary: fc.constantFrom(...TYPES) },
      { weight: 1, arbitrary: value },
    ),
    id: fc.oneof(
      { weight: 20, arbitrary: fc.integer({ min: 1, max: 30 }) },
      { weight: 1, arbitrary: value },
    ),
    topic: fc.oneof(fc.constantFrom("rooms/a", "rooms/b", "video/1", "cursors/1"), value),
    name: fc.oneof(fc.constantFrom("echo", "later", "count"), value),
    credit: fc.oneof(fc.integer({ min: 0, max: 100 }), value),
    limit: fc.oneof(fc.integer({ min: 0, max: 100 }), value),
    number: fc.oneof(fc.integer({ min: 1, max: 100 }), value),
    data: value,
    input: value,
    bytes: value,
    stream: value,
    since: value,
    before: value,
    after: value,
    key: value,
    replaces: value,
    lastId: value,
  },
  { requiredKeys: ["type", "id"] },
);

const frame = fc.tuple(fields, fc.option(fc.uint8Array({ maxLength: 10 }), { freq: 5 }));

/** Opens a connection, and returns it when it is welcome. */
async function open(server: TestServer, secret: string = SECRET): Promise<RawClient> {
  const client = await server.connect();
  await client.hello({ session: secret });
  return client;
}

describe("hostile frames to channels", () => {
  it("close only their own connection, and each request gets an answer or the close", async () => {
    const server = await start(contract, options);
    const other = await open(server, "B".repeat(22));
    let id = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(frame, { maxLength: 40 }), async (frames) => {
        const client = await open(server);
        for (const [sent, payload] of frames) client.send(sent, payload ?? undefined);
        client.send({ type: "call", id: 1_000_000, name: "echo", input: 1 });
        const answer = await Promise.race([
          client.answer(1_000_000).catch(() => undefined),
          client.closed,
        ]);
        if (answer !== undefined && "code" in answer && typeof answer.code === "number") {
          expect([1002, 1007, 1009]).toContain(answer.code);
        }
        client.terminate();
        const input = { id: ++id };
        expect(await other.request({ type: "call", id, name: "echo", input })).toMatchObject({
          output: input,
        });
      }),
      { numRuns: 60 },
    );
    server.errors.length = 0;
  });

  it("leave nothing behind on the server", async () => {
    const server = await start(contract, options);
    for (let round = 0; round < 20; round++) {
      const client = await open(server);
      for (const room of ["a", "b", "c"]) {
        client.send({ type: "subscribe", id: 1, topic: `rooms/${room}`, credit: 0 });
        client.send({ type: "watch", id: 2, topic: `rooms/${room}` });
        client.send({ type: "enter", id: 3, topic: `rooms/${room}` });
      }
      client.send({ type: "subscribe", id: 4, topic: "cursors/1", credit: 0 });
      client.send({ type: "stream", id: 5, name: "count", credit: 0 });
      client.send({ type: "call", id: 6, name: "later", number: 1 });
      await client.request({ type: "call", id: 7, name: "echo" });
      client.terminate();
      await client.closed;
    }
    const client = await open(server);
    await expect
      .poll(async () => {
        const id = 1 + Math.floor(Math.random() * 1e9);
        const answer = await client.request({ type: "subscribe", id, topic: "video/1", credit: 0 });
        client.send({ type: "unsubscribe", topic: "video/1" });
        return answer["number"];
      })
      .toBe(0);
  });

  it("that ask for an answer of a megabyte without reading it stop the reading of requests", async () => {
    let calls = 0;
    const big = "x".repeat(1_000_000);
    const server = await start(contract, {
      ...options,
      calls: { ...options.calls, echo: () => (calls++, big) },
    });
    const client = await open(server);
    client.socket.pause();
    for (let id = 1; id <= 2_000; id++) client.send({ type: "call", id, name: "echo" });
    const other = await open(server, "B".repeat(22));
    await other.request({ type: "call", id: 1, name: "later", number: 1 });
    await expect.poll(() => calls).toBeGreaterThan(0);
    const before = calls;
    for (let id = 2; id < 10; id++)
      await other.request({ type: "call", id, name: "later", number: 1 });
    expect(calls).toBeLessThan(200);
    expect(calls - before).toBeLessThan(50);
    client.terminate();
    await expect.poll(() => server.api.sessions().length).toBe(1);
  });
});
