import { connect } from "tideway/channels";
import { fail, resumable } from "tideway/channels/server";
import { describe, expect, it, vi } from "vitest";
import { bytes } from "../../../src/channels/contract/index.ts";
import type { Contract } from "../../../src/channels/contract/contract.ts";
import { anything, type Options, type RawClient, start, type TestServer, text } from "./support.ts";

type Handler = (input: never, context: never) => unknown;

async function open(
  handler: Handler,
  call: object = {},
  options: Options = {},
): Promise<{ server: TestServer; client: RawClient }> {
  const contract = { calls: { it: { input: anything, item: anything, ...call } } } as Contract;
  const server = await start(contract, { calls: { it: handler }, ...options });
  const client = await server.connect();
  await client.hello();
  return { server, client };
}

function stream(client: RawClient, id: number, fields: object = {}): RawClient {
  return client.send({ type: "stream", id, name: "it", credit: 1_000_000, ...fields });
}

async function* count(to: number): AsyncGenerator<number> {
  for (let n = 1; n <= to; n++) yield n;
}

describe("a stream", () => {
  it.each([
    ["an async generator", () => count(3)],
    ["a promise of one", async () => count(3)],
    ["an array", () => [1, 2, 3]],
    ["a generator", () => [1, 2, 3].values()],
  ])("sends the items of %s in order, and then the end", async (_what, handler) => {
    const { client } = await open(handler);
    stream(client, 1);
    for (const data of [1, 2, 3])
      expect(await client.answer(1)).toEqual({ type: "item", id: 1, data });
    expect(await client.answer(1)).toEqual({ type: "end", id: 1 });
  });

  it("sends bytes in binary frames", async () => {
    const { client } = await open(() => [new Uint8Array([10, 1])], { item: bytes() });
    stream(client, 1);
    expect(await client.answer(1)).toEqual({ type: "item", id: 1, bytes: new Uint8Array([10, 1]) });
  });

  it("stops without credit, and continues with more", async () => {
    const yielded: number[] = [];
    const { client } = await open(async function* () {
      for await (const n of count(100)) {
        yielded.push(n);
        yield n;
      }
    });
    // An item has 30 bytes: {"type":"item","id":1,"data":1}.
    stream(client, 1, { credit: 31 });
    expect(await client.answer(1)).toMatchObject({ data: 1 });
    await client.request({ type: "call", id: 2, name: "other" });
    expect(client.received).toEqual([]);
    expect(yielded.length).toBeLessThanOrEqual(2);
    client.send({ type: "credit", stream: 1, bytes: 1 });
    expect(await client.answer(1)).toMatchObject({ data: 2 });
  });

  // The client adds credit when half of its window has been read. A server that gave less credit would wait for ever.
  it("sends as much as the window of the client allows", async () => {
    const item = "x".repeat(60_000);
    const { server } = await open(async function* () {
      for await (const _ of count(200)) yield item;
    });
    const client = connect(server.url, { creditBytes: 16_777_216 });
    let items = 0;
    for await (const received of client.stream("it", 1)) if (received === item) items++;
    expect(items).toBe(200);
    await client.close();
  });

  it("is cancelled at its source: the signal aborts, and the generator ends", async () => {
    let signal: AbortSignal | undefined;
    let hasEnded = false;
    const { client } = await open(async function* (
      _input: unknown,
      context: { signal: AbortSignal },
    ) {
      signal = context.signal;
      try {
        for (let n = 0; ; n++) yield n;
      } finally {
        hasEnded = true;
      }
    });
    stream(client, 1, { credit: 1 });
    await client.answer(1);
    client.send({ type: "cancel", id: 1 });
    await vi.waitFor(() => expect(hasEnded).toBe(true));
    expect(signal!.aborted).toBe(true);
    stream(client, 1, { credit: 1 });
    expect(await client.answer(1)).toMatchObject({ data: 0 });
  });

  it("is cancelled when the connection ends", async () => {
    let hasEnded = false;
    const { client } = await open(async function* () {
      try {
        for (let n = 0; ; n++) yield n;
      } finally {
        hasEnded = true;
      }
    });
    stream(client, 1, { credit: 1 });
    await client.answer(1);
    client.socket.close();
    await vi.waitFor(() => expect(hasEnded).toBe(true));
  });

  it("fails with a declared error that its handler returns or throws", async () => {
    const { client } = await open(
      async function* (how: string) {
        yield 1;
        if (how === "return") return fail("busy", 5);
        // eslint-disable-next-line only-throw-error
        throw fail("busy", 5);
      },
      { errors: { busy: anything } },
    );
    for (const [id, input] of [
      [1, "return"],
      [2, "throw"],
    ] as const) {
      stream(client, id, { input });
      expect(await client.answer(id)).toMatchObject({ type: "item" });
      expect(await client.answer(id)).toEqual({
        type: "error",
        id,
        code: "busy",
        message: "the handler failed with busy",
        data: 5,
      });
    }
  });

  it("fails with INTERNAL without details for any other failure, which is reported", async () => {
    const cycle: unknown[] = [];
    cycle.push(cycle);
    const handlers: (() => unknown)[] = [
      () => 5,
      () => "text",
      () => undefined,
      () => ({}),
      () => [cycle],
      () => {
        throw new Error("secret");
      },
      async function* () {
        yield* [];
        throw new Error("secret");
      },
      () => fail("undeclared"),
      () => ({
        [Symbol.iterator]: () => ({
          next: () => {
            throw new Error("secret");
          },
        }),
      }),
    ];
    const { server, client } = await open((index: number) => handlers[index]());
    for (const index of handlers.keys()) {
      stream(client, index + 1, { input: index });
      expect(await client.answer(index + 1)).toEqual({
        type: "error",
        id: index + 1,
        code: "INTERNAL",
        message: "a rule, a handler or the broker failed; onError of the server has the error",
      });
    }
    expect(server.errors.splice(0)).toHaveLength(handlers.length);
  });

  it("fails with UNKNOWN_CALL for a call, and says what to use", async () => {
    const { client } = await open(() => 1, { output: anything, item: undefined });
    stream(client, 1);
    expect(await client.answer(1)).toMatchObject({
      code: "UNKNOWN_CALL",
      message: "this name is a call in the contract of the server; use call instead of stream",
    });
  });

  it("fails with INVALID_DATA for an invalid input, and UNKNOWN_CALL for an unknown name", async () => {
    const { client } = await open(() => [], { input: text });
    stream(client, 1, { input: 5 });
    expect(await client.answer(1)).toMatchObject({ code: "INVALID_DATA" });
    stream(client, 2, { name: "other" });
    expect(await client.answer(2)).toMatchObject({ code: "UNKNOWN_CALL" });
    stream(client, 3, { input: "x", lastId: "1" });
    expect(await client.answer(3)).toMatchObject({ code: "INVALID_REQUEST" });
  });

  it("does not report errors after it was cancelled", async () => {
    const { server, client } = await open(async function* (
      _input: unknown,
      { signal }: { signal: AbortSignal },
    ) {
      yield 1;
      await new Promise((_resolve, reject) =>
        signal.addEventListener("abort", () => reject(new Error("aborted"))),
      );
    });
    stream(client, 1);
    await client.answer(1);
    client.send({ type: "cancel", id: 1 });
    await client.request({ type: "call", id: 2, name: "other" });
    expect(server.errors).toEqual([]);
  });
});

describe("a resumable stream", () => {
  it("has an id for each item, and gets the id of the last item when it is asked for again", async () => {
    const { client } = await open(
      async function* (_input: unknown, { lastId }: { lastId: string | undefined }) {
        for (let n = Number(lastId ?? 0) + 1; n <= 3; n++) yield resumable(String(n), { n });
      },
      { isResumable: true },
    );
    stream(client, 1);
    for (const n of [1, 2, 3]) {
      expect(await client.answer(1)).toEqual({
        type: "item",
        id: 1,
        itemId: String(n),
        data: { n },
      });
    }
    await client.answer(1);
    stream(client, 2, { lastId: "2" });
    expect(await client.answer(2)).toMatchObject({ itemId: "3" });
  });

  it.each([5, resumable("", 1), resumable("x".repeat(257), 1), resumable(5 as never, 1)])(
    "fails with INTERNAL for an item without a valid id",
    async (item) => {
      const { server, client } = await open(() => [item], { isResumable: true });
      stream(client, 1);
      expect(await client.answer(1)).toMatchObject({ code: "INTERNAL" });
      expect(server.errors.splice(0)).toMatchObject([{ code: "INVALID_ITEM" }]);
    },
  );
});

describe("streams without a reader", () => {
  it("are bounded by maxStreams, and other requests are answered", async () => {
    let running = 0;
    const { client } = await open(
      async function* () {
        running++;
        for (let n = 0; ; n++) yield "x".repeat(10_000);
      },
      {},
      { limits: { maxStreams: 5 } },
    );
    for (let id = 1; id <= 1_000; id++) stream(client, id, { credit: 0 });
    expect(await client.answer(1_000)).toMatchObject({
      code: "TOO_MANY_REQUESTS",
      retryAfterMs: 1_000,
    });
    expect(running).toBeLessThanOrEqual(5);
  });

  it("count until their handler has ended, also after they were cancelled", async () => {
    let running = 0;
    const { client } = await open(
      () => {
        running++;
        return new Promise(() => {});
      },
      {},
      { limits: { maxStreams: 5 } },
    );
    for (let id = 1; id <= 5; id++) stream(client, id);
    await vi.waitFor(() => expect(running).toBe(5));
    for (let id = 1; id <= 5; id++) client.send({ type: "cancel", id });
    stream(client, 101);
    expect(await client.answer(101)).toMatchObject({ code: "TOO_MANY_REQUESTS" });
    expect(running).toBe(5);
  });
});
