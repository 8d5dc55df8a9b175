import { describe, expect, it } from "vitest";
import { anything, start, text } from "./support.ts";

const contract = {
  topics: {
    "rooms/:room": { message: text, member: text },
    "moves/:room": { message: text, isVolatile: true },
  },
  calls: {
    echo: { input: anything, output: anything },
    list: { input: anything, item: text },
  },
} as const;

const BIG = "x".repeat(2_000);

const TOO_BIG = {
  code: "TOO_BIG",
  message: expect.stringMatching(
    /^a message of \d+ bytes exceeds maxMessageBytes 1000 of the client$/,
  ) as string,
};

/** Connects a client that accepts messages of at most 1,000 bytes, or of any size. */
async function connected(maxMessageBytes?: number) {
  const aborted: string[] = [];
  const server = await start(contract, {
    route: { maxMessageBytes: 100_000 },
    rules: {
      "rooms/:room": { subscribe: true, publish: true, enter: () => ({ id: "ann", data: BIG }) },
      "moves/:room": { subscribe: true, publish: true },
    },
    calls: {
      echo: (value: unknown) => value,
      list: async function* (_: unknown, { signal }: { signal: AbortSignal }) {
        signal.addEventListener("abort", () => aborted.push("list"));
        yield "small";
        yield BIG;
        yield "never";
      },
    },
  });
  const client = await server.connect();
  const welcome = await client.hello(maxMessageBytes === undefined ? {} : { maxMessageBytes });
  return { server, client, welcome, aborted };
}

const echo = (id: number, input: unknown) => ({ type: "call", id, name: "echo", input });

describe("a client with a limit on the size of messages", () => {
  it("learns the limit of the server in the welcome", async () => {
    const { welcome } = await connected();
    expect(welcome["maxMessageBytes"]).toBe(100_000);
  });

  it("gets TOO_BIG instead of a larger output, and other calls work", async () => {
    const { client } = await connected(1_000);
    expect(await client.request(echo(1, BIG))).toMatchObject(TOO_BIG);
    const around = "x".repeat(1_000 - JSON.stringify({ type: "result", id: 2, output: "" }).length);
    expect(await client.request(echo(2, around))).toMatchObject({ output: around });
    expect(await client.request(echo(3, `${around}x`))).toMatchObject(TOO_BIG);
    // Bytes of UTF-8 count.
    expect(await client.request(echo(4, "\u20ac".repeat(400)))).toMatchObject(TOO_BIG);
    expect(await client.request(echo(5, "\u20ac".repeat(300)))).toMatchObject({ type: "result" });
  });

  it("gets any output without a limit", async () => {
    const { client } = await connected();
    expect(await client.request(echo(1, BIG))).toMatchObject({ output: BIG });
  });

  it("gets TOO_BIG in a stream after the items before, and the handler is aborted", async () => {
    const { client, aborted } = await connected(1_000);
    client.send({ type: "stream", id: 1, name: "list", credit: 100_000 });
    expect(await client.next("item")).toMatchObject({ data: "small" });
    expect(await client.next("error")).toMatchObject(TOO_BIG);
    expect(aborted).toEqual(["list"]);
  });

  it("gets TOO_BIG instead of the large failure of a publish, and later publishes are stored", async () => {
    const issues = Array.from({ length: 32 }, () => ({ message: BIG }));
    const server = await start(
      {
        topics: {
          "rooms/:room": {
            message: {
              "~standard": {
                version: 1,
                vendor: "test",
                validate: (value: unknown) => (value === "bad" ? { issues } : { value: "good" }),
              },
            },
          },
        },
      },
      { rules: { "rooms/:room": { publish: true } } },
    );
    const client = await server.connect();
    await client.hello({ maxMessageBytes: 1_000 });
    const publish = { type: "publish", topic: "rooms/a" };
    client.send({ ...publish, id: 1, number: 1, data: "bad" });
    client.send({ ...publish, id: 2, number: 2, data: "good" });
    expect(await client.answer(1)).toMatchObject({ ...TOO_BIG, mayBeStored: false });
    expect(await client.answer(2)).toMatchObject({ type: "result", isDuplicate: false });
  });

  it("loses only the subscription that has a larger publication, before any later one", async () => {
    const { server, client } = await connected(1_000);
    for (const [index, topic] of ["rooms/a", "moves/a", "rooms/b"].entries())
      await client.request({ type: "subscribe", id: index + 1, topic, credit: 100_000 });
    await server.api.topic("rooms/:room", { room: "a" }).publish("one");
    await server.api.topic("rooms/:room", { room: "a" }).publish(BIG);
    await server.api.topic("rooms/:room", { room: "a" }).publish("three");
    await server.api.topic("moves/:room", { room: "a" }).publish(BIG);
    await server.api.topic("rooms/:room", { room: "b" }).publish("four");
    expect(await client.next()).toMatchObject({ 1: "one" });
    const ended = [await client.next("unsubscribed"), await client.next("unsubscribed")];
    expect(ended).toMatchObject([
      { topic: "rooms/a", ...TOO_BIG },
      { topic: "moves/a", ...TOO_BIG },
    ]);
    expect(await client.next()).toMatchObject({ 1: "four" });
  });

  it("gets TOO_BIG instead of a page with a larger publication, or of too many members", async () => {
    const { server, client } = await connected(1_000);
    await server.api.topic("rooms/:room", { room: "a" }).publish(BIG);
    const history = { type: "history", id: 1, topic: "rooms/a", limit: 5 };
    expect(await client.request(history)).toMatchObject(TOO_BIG);
    const watch = { type: "watch", topic: "rooms/a" };
    expect(await client.request({ ...watch, id: 2 })).toMatchObject({ members: [] });
    const other = await server.connect();
    await other.hello({ session: "B".repeat(22) });
    await other.request({ type: "enter", id: 1, topic: "rooms/a" });
    expect(await client.next("unwatched")).toMatchObject({ topic: "rooms/a", ...TOO_BIG });
    expect(await client.request({ ...watch, id: 3 })).toMatchObject(TOO_BIG);
  });
});
