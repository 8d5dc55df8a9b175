import { fail } from "tideway/channels/server";
import { describe, expect, it, vi } from "vitest";
import { HOSTILE_VALUES } from "../../support/hostile-values.ts";
import { anything, type Options, type RawClient, start, type TestServer, text } from "./support.ts";
import { bytes } from "../../../src/channels/contract/index.ts";
import type { Contract } from "../../../src/channels/contract/contract.ts";

type Handler = (input: never, context: never) => unknown;

async function open(
  handler: Handler,
  call: object = {},
  options: Options = {},
): Promise<{ server: TestServer; client: RawClient }> {
  const contract = { calls: { it: { input: anything, output: anything, ...call } } } as Contract;
  const server = await start(contract, { calls: { it: handler }, ...options });
  const client = await server.connect();
  await client.hello();
  return { server, client };
}

const asyncValidation = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: async (value: unknown) =>
      value === "no" ? { issues: [{ message: "no" }] } : { value: `${String(value)}!` },
  },
} as const;

describe("a call", () => {
  it("is answered with the output of its handler, at once or later", async () => {
    const { client } = await open((input: unknown) =>
      input === 1 ? [input] : Promise.resolve([input]),
    );
    for (const id of [1, 2]) {
      expect(await client.request({ type: "call", id, name: "it", input: id })).toEqual({
        type: "result",
        id,
        output: [id],
      });
    }
  });

  it("has no output if the handler returns nothing", async () => {
    const { client } = await open(() => {});
    expect(await client.request({ type: "call", id: 1, name: "it" })).toEqual({
      type: "result",
      id: 1,
    });
  });

  it("takes and returns bytes", async () => {
    const { client } = await open((input: Uint8Array) => input.toReversed(), { input: bytes() });
    const answer = await client.request(
      { type: "call", id: 1, name: "it" },
      new Uint8Array([10, 0, 255]),
    );
    expect(answer).toEqual({ type: "result", id: 1, bytes: new Uint8Array([255, 0, 10]) });
    expect(await client.request({ type: "call", id: 2, name: "it", input: "AA==" })).toMatchObject({
      code: "INVALID_DATA",
      message: "the data does not match its schema: expected bytes (a Uint8Array)",
    });
  });

  it("fails with INVALID_DATA and the issues if its input is not valid", async () => {
    const handler = vi.fn<() => void>();
    const { client } = await open(handler, { input: text });
    expect(await client.request({ type: "call", id: 1, name: "it", input: 5 })).toEqual({
      type: "error",
      id: 1,
      code: "INVALID_DATA",
      message: "the data does not match its schema: no",
      issues: [{ message: "no", path: ["x", 1] }],
    });
    expect(handler).not.toHaveBeenCalled();
  });

  it("can have a schema that validates asynchronously", async () => {
    const { client } = await open((input: unknown) => input, { input: asyncValidation });
    expect(await client.request({ type: "call", id: 1, name: "it", input: "yes" })).toMatchObject({
      output: "yes!",
    });
    expect(await client.request({ type: "call", id: 2, name: "it", input: "no" })).toMatchObject({
      code: "INVALID_DATA",
      message: "the data does not match its schema: no",
    });
  });

  it("fails with a declared error, returned or thrown", async () => {
    const failures = [
      () => fail("overflow", { max: 1 }),
      async () => fail("overflow", { max: 1 }),
      () => {
        // eslint-disable-next-line only-throw-error
        throw fail("overflow", { max: 1 });
      },
      async () => {
        // eslint-disable-next-line only-throw-error
        throw fail("overflow", { max: 1 });
      },
    ];
    const { client } = await open((index: number) => failures[index](), {
      errors: { overflow: anything },
    });
    for (const index of failures.keys()) {
      const answer = await client.request({
        type: "call",
        id: index + 1,
        name: "it",
        input: index,
      });
      expect(answer).toEqual({
        type: "error",
        id: index + 1,
        code: "overflow",
        message: "the handler failed with overflow",
        data: { max: 1 },
      });
    }
  });

  it("fails with INTERNAL without details for any other failure, which is reported", async () => {
    const cycle: unknown[] = [];
    cycle.push(cycle);
    const failures: (() => unknown)[] = [
      () => fail("undeclared", "secret"),
      () => new Error("secret"),
      () => {
        throw new TypeError("secret");
      },
      () => Promise.reject(new Error("secret")),
      () => cycle,
      () => 1n,
      async () => cycle,
      () => {
        // eslint-disable-next-line only-throw-error
        throw "secret";
      },
      () => {
        // eslint-disable-next-line only-throw-error
        throw undefined;
      },
    ];
    const { server, client } = await open((index: number) => failures[index](), {
      errors: { overflow: anything },
    });
    for (const index of failures.keys()) {
      const answer = await client.request({
        type: "call",
        id: index + 1,
        name: "it",
        input: index,
      });
      expect(answer).toEqual({
        type: "error",
        id: index + 1,
        code: "INTERNAL",
        message: "a rule, a handler or the broker failed; onError of the server has the error",
      });
    }
    expect(server.errors.splice(0)).toHaveLength(failures.length);
  });

  it.each(["other", "constructor", "__proto__", "x".repeat(500_000)])(
    "of an unknown name fails with UNKNOWN_CALL",
    async (name) => {
      const { client } = await open(() => 1);
      expect(await client.request({ type: "call", id: 1, name })).toEqual({
        type: "error",
        id: 1,
        code: "UNKNOWN_CALL",
        message: "the contract of the server has no call or stream with this name",
      });
    },
  );

  it("of a stream fails with UNKNOWN_CALL", async () => {
    const { client } = await open(async function* () {}, { output: undefined, item: anything });
    expect(await client.request({ type: "call", id: 1, name: "it" })).toMatchObject({
      code: "UNKNOWN_CALL",
      message: "this name is a stream in the contract of the server; use stream instead of call",
    });
  });

  it("aborts its signal when the client cancels it, and gets no answer", async () => {
    const signals: AbortSignal[] = [];
    const { client } = await open((input: unknown, { signal }: { signal: AbortSignal }) => {
      if (input === "next") return "next";
      signals.push(signal);
      return new Promise((resolve) => signal.addEventListener("abort", () => resolve("late")));
    });
    client.send({ type: "call", id: 1, name: "it" }).send({ type: "cancel", id: 1 });
    await client.request({ type: "call", id: 2, name: "it", input: "next" });
    expect(signals[0].aborted).toBe(true);
    expect(client.received).toEqual([]);
  });

  it("aborts its signal when the connection ends", async () => {
    let signal: AbortSignal | undefined;
    const { client } = await open((_input: unknown, context: { signal: AbortSignal }) => {
      signal = context.signal;
      return new Promise(() => {});
    });
    client.send({ type: "call", id: 1, name: "it" });
    await vi.waitFor(() => expect(signal).toBeDefined());
    client.socket.close();
    await vi.waitFor(() => expect(signal!.aborted).toBe(true));
  });

  it("that is idempotent has an id that does not reveal the secret, the same when sent again", async () => {
    const { server, client } = await open((_input: unknown, { id }: { id: string }) => id, {
      isIdempotent: true,
    });
    const ids: unknown[] = [];
    for (const [id, number] of [
      [1, 7],
      [2, 7],
      [3, 8],
    ]) {
      ids.push((await client.request({ type: "call", id, name: "it", number }))["output"]);
    }
    const other = await server.connect();
    await other.hello({ session: "B".repeat(22) });
    ids.push((await other.request({ type: "call", id: 1, name: "it", number: 7 }))["output"]);
    expect(ids[0]).toMatch(/^[\w-]{22}-c7$/);
    expect(ids[0]).not.toContain("AAAA");
    expect(ids[1]).toBe(ids[0]);
    expect(new Set(ids).size).toBe(3);
    expect(await client.request({ type: "call", id: 4, name: "it" })).toMatchObject({
      code: "INVALID_REQUEST",
    });
  });

  it("is wrapped by intercept", async () => {
    const seen: unknown[] = [];
    const { client } = await open(
      (input: unknown) => input,
      {},
      {
        intercept: async ({ kind, name, state }, next) => {
          const output = await next();
          seen.push([kind, name, state, output]);
          return [output];
        },
      },
    );
    expect(await client.request({ type: "call", id: 1, name: "it", input: 5 })).toMatchObject({
      output: [5],
    });
    expect(seen).toEqual([["call", "it", {}, 5]]);
  });
});

it("answers a call with a handler that returns or throws a hostile value", async () => {
  const handlers = HOSTILE_VALUES.flatMap(([, make]) => [
    make,
    () => {
      throw make();
    },
  ]);
  const { server, client } = await open((index: number) => handlers[index]());
  for (const index of handlers.keys()) {
    const answer = await client.request({ type: "call", id: index + 1, name: "it", input: index });
    expect(["error", "result"]).toContain(answer["type"]);
  }
  server.errors.length = 0;
});

describe("calls beyond a limit", () => {
  it("fail with TOO_MANY_REQUESTS above maxPendingCalls, also after they were cancelled", async () => {
    let pending = 0;
    const { client } = await open(
      (input: unknown) => {
        if (input === "now") return "now";
        pending++;
        return new Promise(() => {});
      },
      {},
      { limits: { maxPendingCalls: 3 } },
    );
    for (let id = 1; id <= 100; id++) {
      client.send({ type: "call", id, name: "it" }).send({ type: "cancel", id });
    }
    const answer = await client.request({ type: "call", id: 101, name: "it", input: "now" });
    expect(answer).toEqual({
      type: "error",
      id: 101,
      code: "TOO_MANY_REQUESTS",
      message: "the limit maxPendingCalls is reached; try again in 1000 ms",
      retryAfterMs: 1_000,
    });
    expect(pending).toBe(3);
  });

  it.each(["call", "stream"])(
    "count a large %s that was cancelled until its handler has settled",
    async (type) => {
      let settle = (): void => {};
      const settled = new Promise<void>((resolve) => (settle = resolve));
      const server = await start(
        {
          calls: {
            it: {
              input: anything,
              ...(type === "call" ? { output: anything } : { item: anything }),
            },
          },
        },
        { calls: { it: () => settled.then(() => []) }, limits: { maxPendingBytes: 5_000 } },
      );
      const client = await server.connect();
      await client.hello();
      const large = { type, name: "it", credit: 1_000, input: "x".repeat(3_000) };
      client.send({ ...large, id: 1 }).send({ type: "cancel", id: 1 });
      expect(await client.request({ ...large, id: 2 })).toMatchObject({
        code: "TOO_MANY_REQUESTS",
        message: "the limit maxPendingBytes is reached; try again in 1000 ms",
      });
      settle();
      expect(await client.request({ ...large, id: 3 })).not.toHaveProperty("code");
    },
  );

  it("fail with TOO_MANY_REQUESTS above callsPerSecond, and the rate of the call", async () => {
    const { client } = await open(
      (input: unknown) => input,
      {},
      {
        limits: { callsPerSecond: 1_000, calls: { it: { perSecond: 2 } } },
      },
    );
    const answers = await Promise.all(
      [1, 2, 3].map((id) => client.request({ type: "call", id, name: "it", input: 1 })),
    );
    expect(answers.map(({ type }) => type)).toEqual(["result", "result", "error"]);
    expect(answers[2]["retryAfterMs"]).toBeGreaterThan(0);
    expect(answers[2]["retryAfterMs"]).toBeLessThanOrEqual(500);
  });
});
