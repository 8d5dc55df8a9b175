import { bytes, connect, defineContract } from "tideway/channels";
import type { ChannelSession, ChannelsRouteOptions } from "tideway/channels/server";
import { describe, expect, it, onTestFinished } from "vitest";
import { anything, start, text } from "../server/support.ts";

const contract = defineContract({
  topics: {
    "rooms/:room": { message: text, member: text },
    "files/:id": { message: bytes() },
  },
  calls: { "math/double": { input: anything, output: anything } },
});

async function connected(
  route: ChannelsRouteOptions = {},
): Promise<ReturnType<typeof connect<typeof contract>>> {
  const server = await start(contract, {
    route,
    rules: {
      "rooms/:room": { subscribe: true, publish: true, enter: () => ({ id: "ann", data: "Ann" }) },
      "files/:id": {
        subscribe: ({ params }: { params: { id: string } }) => params.id !== "secret",
        publish: true,
      },
    },
    calls: {
      "math/double": (input: unknown, { session }: { session: ChannelSession<unknown> }) => {
        if (input === "never") return new Promise(() => {});
        if (input !== "close") return 2 * Number(input);
        session.close("forbidden");
        return new Promise(() => {});
      },
    },
  });
  const client = connect(server.url, { contract });
  onTestFinished(() => client.close());
  return client;
}

it("publishes to a topic, and iterates over its messages", async () => {
  const client = await connected();
  const room = client.topic("rooms/:room", { room: "tides" });
  expect(room.name).toBe("rooms/tides");
  const first = await room.publish("hello");
  expect(first.isDuplicate).toBe(false);
  const seen: unknown[] = [];
  for await (const message of room.messages({ last: 10 })) {
    seen.push(message.data);
    if (seen.length === 1) {
      expect(message.position).toBe(first.position);
      void room.publish("again");
    } else break;
  }
  expect(seen).toEqual(["hello", "again"]);
});

it("publishes bytes", async () => {
  const client = await connected();
  const file = client.topic("files/:id", { id: "1" });
  await file.publish(new Uint8Array([1, 10, 255]));
  for await (const { data } of file.messages({ last: 1 })) {
    expect(data).toEqual(new Uint8Array([1, 10, 255]));
    break;
  }
});

it("calls a handler", async () => {
  const client = await connected();
  await expect(client.call("math/double", 21)).resolves.toBe(42);
  expect(client.state).toBe("open");
  await client.close();
  expect(client.state).toBe("closed");
});

it("fails a call alone that is too big for the server, and continues", async () => {
  const client = await connected({ maxMessageBytes: 1_000 });
  await expect(client.call("math/double", "x".repeat(1_000))).rejects.toMatchObject({
    code: "TOO_BIG",
    message: expect.stringMatching(
      /^\d+ bytes exceed maxMessageBytes 1000 of the server$/,
    ) as string,
    mayBeStored: false,
  });
  await expect(client.call("math/double", 21)).resolves.toBe(42);
});

it("rejects a pending call with the close of the server as cause", async () => {
  const client = await connected();
  const failed = client.call("math/double", "close");
  await expect(failed).rejects.toMatchObject({
    code: "FORBIDDEN",
    message: "the connection ended with 3003: forbidden",
    cause: { code: 3003, reason: "forbidden" },
  });
  await expect(client.call("math/double", 1)).rejects.toMatchObject({
    code: "FORBIDDEN",
    cause: { code: 3003 },
  });
});

it.each([
  [{ initalDelayMs: 5 }, "connect: there is no option initalDelayMs"],
  [{ maxQueuedBytes: "1" }, 'connect: maxQueuedBytes is "1"; it must be an integer above 0'],
  [{ maxQueuedBytes: 0 }, "connect: maxQueuedBytes is 0; it must be an integer above 0"],
  [{ creditBytes: 1.5 }, "connect: creditBytes is 1.5; it must be an integer above 0"],
  [{ maxDelayMs: -1 }, "connect: maxDelayMs is -1; it must be a number from 0 to 2147483647"],
  [{ stableAfterMs: 2 ** 31 }, /stableAfterMs is 2147483648; it must be a number from 0 to 2147/],
  [{ handshakeTimeoutMs: 0 }, /handshakeTimeoutMs is 0; it must be a number above 0 and up to 21/],
  [{ validate: "no" }, 'connect: validate is "no"; it must be true or false'],
  [{ validate: null }, "connect: validate is null; it must be true or false"],
  [{ random: 0.5 }, "connect: random is 0.5; it must be a function"],
  [{ timers: {} }, "connect: timers is {}; it must be an object with setTimeout and clearTimeout"],
])("throws for the options %j", (options, why) => {
  const message: unknown = typeof why === "string" ? why : expect.stringMatching(why);
  expect(() => connect("ws://localhost:1/", options as object)).toThrow(
    expect.objectContaining({ name: "UsageError", code: "INVALID_OPTION", message }),
  );
});

it.each([
  { validate: true, contract: defineContract({}) },
  { validate: false },
  { maxQueuedBytes: 1, creditBytes: 65_536 },
  { initialDelayMs: 0, maxDelayMs: 2 ** 31 - 1, stableAfterMs: 0.5 },
  { handshakeTimeoutMs: 2 ** 31 - 1, decide: () => "stop" as const, random: Math.random },
  { validate: undefined, timers: { setTimeout, clearTimeout } as never },
])("accepts the options %j", async (options) => {
  const client = connect("ws://localhost:1/", options as object);
  await expect(client.close()).resolves.toBeUndefined();
});

it("has no members before onMembersChange has a listener, also after it has entered", async () => {
  const client = await connected();
  const room = client.topic("rooms/:room", { room: "tides" });
  await room.enter();
  expect(room.members).toBeUndefined();
  const members = await new Promise((resolve) => {
    room.onMembersChange.listen((change) => resolve(change.members));
  });
  expect(members).toEqual([{ id: "ann", data: "Ann" }]);
  expect(room.members).toEqual(members);
});

it("calls onSubscribed once, before the first message, and not for a refused subscription", async () => {
  const client = await connected();
  const room = client.topic("rooms/:room", { room: "tides" });
  await room.publish("one");
  const seen: unknown[] = [];
  const onSubscribed = (): void => void seen.push("subscribed");
  for await (const { data } of room.messages({ last: 1, onSubscribed })) {
    seen.push(data);
    break;
  }
  expect(seen).toEqual(["subscribed", "one"]);
  const unknown = client.topic("files/:id", { id: "secret" });
  await expect(unknown.messages({ onSubscribed }).next()).rejects.toMatchObject({
    code: "FORBIDDEN",
  });
  expect(seen).toHaveLength(2);
});

describe("close", () => {
  it("waits at most flushMs for an answer, and then rejects what is pending", async () => {
    const client = await connected();
    await client.call("math/double", 1);
    const outcomes: string[] = [];
    const never = client.call("math/double", "never").catch(({ code }) => outcomes.push(code));
    await client.close({ flushMs: 50 }).then(() => outcomes.push("closed"));
    await never;
    expect(outcomes).toEqual(["CLIENT_CLOSED", "closed"]);
  });

  it("does not wait without a pending publish or call", async () => {
    const client = await connected();
    await client.call("math/double", 1);
    await client.close({ flushMs: 1_000_000 });
    expect(client.state).toBe("closed");
  });

  it("resolves without a connection, and when it is called twice", async () => {
    const client = connect("ws://localhost:1/api", { initialDelayMs: 600_000 });
    const entering = client.topic("rooms/:room", { room: "tides" }).publish(1);
    const closing = [client.close(), client.close()];
    await expect(entering).rejects.toMatchObject({ code: "CLIENT_CLOSED", mayBeStored: false });
    await Promise.all(closing);
    expect(client.state).toBe("closed");
  });
});
