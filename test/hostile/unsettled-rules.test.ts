import { describe, expect, it, vi } from "vitest";
import {
  anything,
  type Frame,
  type RawClient,
  start,
  type TestServer,
} from "../channels/server/support.ts";

const contract = {
  topics: {
    "stuck/:id": { message: anything, member: anything },
    "rooms/:room": { message: anything, member: anything },
  },
  calls: {
    echo: { input: anything, output: anything },
    count: { input: anything, item: anything },
  },
};

const never = (): Promise<never> => new Promise(() => {});

const LIMITS = {
  maxSubscriptions: 2,
  maxWatches: 2,
  maxPresences: 2,
  maxPendingPages: 2,
  maxPendingPublishes: 2,
  maxPendingBytes: 5_000,
};

/** A server with rules that never settle for the topics `stuck/:id`. */
function open(): Promise<TestServer> {
  return start(contract, {
    rules: {
      "stuck/:id": { subscribe: never, publish: never, enter: never },
      "rooms/:room": { subscribe: true, publish: true, enter: () => ({ id: "ann" }) },
    },
    calls: {
      echo: (input: unknown) => input,
      count: async function* () {
        yield 1;
      },
    },
    limits: LIMITS,
  });
}

async function connect(server: TestServer): Promise<RawClient> {
  const client = await server.connect();
  await client.hello();
  return client;
}

/** One request of each kind that a rule decides about. */
const REQUESTS: [type: string, fields: object, codeAtLimit: string][] = [
  ["subscribe", { credit: 1_000 }, "TOO_MANY_TOPICS"],
  ["watch", {}, "TOO_MANY_TOPICS"],
  ["enter", {}, "TOO_MANY_TOPICS"],
  ["history", { limit: 1 }, "TOO_MANY_REQUESTS"],
  ["publish", { data: 1, number: 1 }, "TOO_MANY_REQUESTS"],
];

const request = (
  type: string,
  fields: object,
  id: number,
  topic: string,
): Frame & { id: number } => ({ ...fields, type, id, topic });

describe("a rule that never settles", () => {
  it.each(REQUESTS)(
    "for %s counts against its limit, and delays no other topic",
    async (type, fields, code) => {
      const client = await connect(await open());
      for (const id of [1, 2])
        client.send(request(type, { ...fields, number: id }, id, `stuck/${id}`));
      const third = await client.request(request(type, { ...fields, number: 3 }, 3, "stuck/3"));
      expect(third).toMatchObject({ type: "error", code });
      expect(await client.request({ type: "call", id: 4, name: "echo", input: 1 })).toMatchObject({
        output: 1,
      });
    },
  );

  it.each(REQUESTS)(
    "for %s leaves nothing behind when the connection ends",
    async (type, fields) => {
      const server = await open();
      const stuck = await connect(server);
      stuck.send(request(type, fields, 1, "stuck/1"));
      await stuck.request({ type: "call", id: 2, name: "echo", input: 1 });
      stuck.terminate();
      await vi.waitFor(() => expect(server.api.sessions()).toEqual([]));
      // The server gives the number of a topic to another one when nothing uses the topic any more.
      const client = await connect(server);
      const answer = await client.request(request("subscribe", { credit: 1 }, 1, "rooms/a"));
      expect(answer).toMatchObject({ type: "subscribed", number: 0 });
    },
  );

  it.each(REQUESTS)(
    "for %s holds no more than maxPendingBytes of large requests",
    async (type, fields) => {
      const client = await connect(await open());
      const unknownField = "x".repeat(3_000);
      client.send(request(type, { ...fields, unknownField }, 1, "stuck/1"));
      const second = request(type, { ...fields, number: 2, unknownField }, 2, "stuck/2");
      expect(await client.request(second)).toMatchObject({
        code: "TOO_MANY_REQUESTS",
        message: "the limit maxPendingBytes is reached; try again in 1000 ms",
        retryAfterMs: 1_000,
        ...(type === "publish" && { mayBeStored: false }),
      });
      expect(await client.request({ type: "call", id: 3, name: "echo", input: 1 })).toMatchObject({
        output: 1,
      });
    },
  );

  it.each(["call", "stream"])("leaves no room for a large %s", async (type) => {
    const client = await connect(await open());
    const input = "x".repeat(3_000);
    client.send(request("subscribe", { credit: 1, input }, 1, "stuck/1"));
    const name = type === "call" ? "echo" : "count";
    const large = { type, id: 2, name, credit: 1_000, input };
    expect(await client.request(large)).toMatchObject({ code: "TOO_MANY_REQUESTS" });
    client.send({ type: "unsubscribe", topic: "stuck/1" });
    expect(await client.request({ ...large, id: 3 })).not.toHaveProperty("code");
  });

  it.each([
    ["subscribe", "unsubscribe", { credit: 1_000 }],
    ["watch", "unwatch", {}],
  ])("answers %s when the client sends %s first", async (type, end, fields) => {
    const client = await connect(await open());
    client.send(request(type, fields, 1, "stuck/1"));
    client.send({ type: end, topic: "stuck/1" });
    expect(await client.answer(1)).toMatchObject({ type: "error", code: "INVALID_REQUEST" });
    // The rule is still running, so it counts.
    client.send(request(type, fields, 2, "stuck/2"));
    const third = await client.request(request(type, fields, 3, "stuck/3"));
    expect(third).toMatchObject({ code: "TOO_MANY_REQUESTS" });
  });

  it("does not keep the server from stopping", async () => {
    const server = await open();
    const client = await connect(server);
    for (const [index, [type, fields]] of REQUESTS.entries()) {
      client.send(request(type, fields, index + 1, `stuck/${index}`));
    }
    await client.request({ type: "call", id: 10, name: "echo", input: 1 });
    await server.stop();
    expect(await client.closed).toMatchObject({ code: 1001 });
  });
});
