import { refuse } from "tideway/channels/server";
import { describe, expect, it } from "vitest";
import { anything, type Options, type RawClient, start, type TestServer } from "./support.ts";

const contract = {
  topics: { "rooms/:room": { message: anything, member: anything } },
};

/** Results that a rule may return by mistake. None of them allows. */
const DENIALS: unknown[] = [
  undefined,
  null,
  false,
  0,
  1,
  "true",
  Symbol("true"),
  () => true,
  refuse("forbidden"),
  new Error("no"),
];

async function open(options: Options): Promise<{ server: TestServer; client: RawClient }> {
  const server = await start(contract, options);
  const client = await server.connect();
  await client.hello();
  return { server, client };
}

const REQUESTS = {
  subscribe: { type: "subscribe", id: 1, topic: "rooms/a", credit: 100 },
  publish: { type: "publish", id: 1, topic: "rooms/a", data: { x: 1 }, number: 1 },
  enter: { type: "enter", id: 1, topic: "rooms/a" },
} as const;

describe.each(["subscribe", "publish", "enter"] as const)("the rule %s", (kind) => {
  it("denies if it is missing", async () => {
    const others = {
      subscribe: true,
      publish: true,
      enter: () => ({ id: "x" }),
      [kind]: undefined,
    };
    const { client } = await open({ rules: { "rooms/:room": others } });
    expect(await client.request(REQUESTS[kind])).toMatchObject({
      type: "error",
      code: "FORBIDDEN",
      message: "no rule allows the request",
    });
  });

  it.each([
    ["returns", (value: unknown) => value],
    ["resolves with", (value: unknown) => Promise.resolve(value)],
  ])("denies if it %s anything by mistake", async (_what, wrap) => {
    let result: unknown;
    const { client } = await open({ rules: { "rooms/:room": { [kind]: () => wrap(result) } } });
    for (const [index, denial] of DENIALS.entries()) {
      result = denial;
      const answer = await client.request({ ...REQUESTS[kind], id: index + 1 });
      expect(answer).toMatchObject({ type: "error", code: "FORBIDDEN" });
    }
  });

  it("denies with INTERNAL if it throws or rejects, and is reported", async () => {
    const errors: unknown[] = [];
    let isAsync = false;
    const { client } = await open({
      onError: (error, context) => errors.push([error, context]),
      rules: {
        "rooms/:room": {
          [kind]: () => {
            if (isAsync) return Promise.reject(new Error("secret"));
            throw new Error("secret");
          },
        },
      },
    });
    for (const id of [1, 2]) {
      isAsync = id === 2;
      const answer = await client.request({ ...REQUESTS[kind], id });
      expect(answer).toMatchObject({ type: "error", id, code: "INTERNAL" });
      expect(JSON.stringify(answer)).not.toContain("secret");
    }
    expect(errors).toMatchObject([
      [{ message: "secret" }, { kind, name: "rooms/a" }],
      [{ message: "secret" }, { kind, name: "rooms/a" }],
    ]);
  });

  it("gets the params, the state and the topic", async () => {
    const seen: unknown[] = [];
    const { client } = await open({
      authorize: () => ({ state: { user: "ann" } }),
      rules: { "rooms/:room": { [kind]: (context: unknown) => seen.push(context) > 5 } },
    });
    await client.request({ ...REQUESTS[kind], topic: "rooms/a%20b" });
    expect(seen).toMatchObject([
      { params: { room: "a b" }, state: { user: "ann" }, topic: "rooms/a%20b" },
    ]);
  });

  it("is wrapped by intercept, which may deny", async () => {
    const seen: unknown[] = [];
    let isAllowed = true;
    const { client } = await open({
      rules: { "rooms/:room": { [kind]: kind === "enter" ? () => ({ id: "ann" }) : true } },
      intercept: (context, next) => {
        const { kind: of, name, params } = context;
        seen.push([of, name, params]);
        return isAllowed ? next() : false;
      },
    });
    expect((await client.request(REQUESTS[kind]))["type"]).not.toBe("error");
    isAllowed = false;
    expect(await client.request({ ...REQUESTS[kind], id: 2, topic: "rooms/b" })).toMatchObject({
      code: "FORBIDDEN",
      message: "no rule allows the request",
    });
    expect(seen).toEqual([
      [kind, "rooms/a", { room: "a" }],
      [kind, "rooms/b", { room: "b" }],
    ]);
  });
});

describe("a topic", () => {
  it.each(["rooms", "rooms/a/b", "rooms/", "other/a", "rooms/%41", "", "x".repeat(3_000)])(
    "that no pattern of the contract matches is unknown",
    async (topic) => {
      const rules = {
        "rooms/:room": { subscribe: true, publish: true, enter: () => ({ id: "x" }) },
      };
      const { client } = await open({ rules });
      for (const [index, request] of Object.values(REQUESTS).entries()) {
        const answer = await client.request({ ...request, id: index + 1, topic });
        expect(answer).toMatchObject({ type: "error", code: "UNKNOWN_TOPIC" });
        expect(JSON.stringify(answer).length).toBeLessThan(200);
      }
    },
  );

  it("with a name of a megabyte gets a short error", async () => {
    const { client } = await open({ rules: { "rooms/:room": { subscribe: true, publish: true } } });
    const topic = "x".repeat(1_000_000);
    for (const [index, request] of Object.values(REQUESTS).entries()) {
      const answer = await client.request({ ...request, id: index + 1, topic });
      const code = request.type === "publish" ? "UNKNOWN_TOPIC" : "INVALID_REQUEST";
      expect(answer).toMatchObject({ type: "error", code });
      expect(JSON.stringify(answer).length).toBeLessThan(200);
    }
  });
});
