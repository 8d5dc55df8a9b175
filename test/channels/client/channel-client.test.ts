import { bytes, connect, defineContract } from "tideway/channels";
import type { ChannelSession, ChannelsRouteOptions } from "tideway/channels/server";
import { describe, expect, it, onTestFinished } from "vitest";
import { createClient } from "../../../src/channels/client/channel-client.ts";
import type { ChannelClient } from "../../../src/channels/client/client-interface.ts";
import type { AuthRequest } from "../../../src/channels/client/connect-interface.ts";
import { decideReconnect } from "../../../src/client/reconnect-policy.ts";
import { FakeTime, turn } from "../wire/session-peer.ts";
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
      /^\d+ bytes exceed the server's maxMessageBytes 1000$/,
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

it("fails what a new server does not have any more, and keeps the rest", async () => {
  let resolveReceived = (): void => {};
  const received = new Promise<void>((resolve) => {
    resolveReceived = resolve;
  });
  let resolveSubscribed = (): void => {};
  const subscribed = new Promise<void>((resolve) => {
    resolveSubscribed = resolve;
  });
  const rules = { "rooms/:room": { subscribe: true, publish: true } };
  const older = await start(
    {
      topics: { "rooms/:room": { message: text }, "old/:name": { message: text } },
      calls: { pay: { input: anything, output: anything, isIdempotent: true } },
    },
    {
      rules: { ...rules, "old/:name": { subscribe: true, publish: true } },
      calls: {
        pay: () => {
          resolveReceived();
          return new Promise(() => {});
        },
      },
    },
  );
  const newer = await start({ topics: { "rooms/:room": { message: text } } }, { rules });
  let { url } = older;
  const client = connect(() => url, { initialDelayMs: 1 });
  onTestFinished(() => client.close());
  const old = client.topic("old/:name", { name: "a" });
  const paid = client.call("pay", 1);
  const ended = old.messages({ onSubscribed: resolveSubscribed }).next();
  await Promise.all([received, subscribed]);
  url = newer.url;
  client.reconnect();
  await expect(paid).rejects.toMatchObject({ code: "UNKNOWN_CALL", mayBeStored: true });
  await expect(ended).rejects.toMatchObject({ code: "UNKNOWN_TOPIC" });
  await expect(old.publish("x")).rejects.toMatchObject({
    code: "UNKNOWN_TOPIC",
    mayBeStored: false,
  });
  const room = client.topic("rooms/:room", { room: "tides" });
  await expect(room.publish("x")).resolves.toMatchObject({ isDuplicate: false });
});

it.each([
  [{ initalDelayMs: 5 }, "connect: there is no option initalDelayMs; did you mean initialDelayMs?"],
  [{ maxQueuedBytes: "1" }, 'connect: maxQueuedBytes is "1"; it must be an integer above 0'],
  [{ maxQueuedBytes: 0 }, "connect: maxQueuedBytes is 0; it must be an integer above 0"],
  [{ creditBytes: 1.5 }, "connect: creditBytes is 1.5; it must be an integer above 0"],
  [{ maxDelayMs: -1 }, "connect: maxDelayMs is -1; it must be a number from 0 to 2147483647"],
  [{ stableAfterMs: 2 ** 31 }, /stableAfterMs is 2147483648; it must be a number from 0 to 2147/],
  [
    { handshakeTimeoutMs: 0 },
    /handshakeTimeoutMs is 0; it must be a number above 0 and at most 21/,
  ],
  [{ validate: "no" }, 'connect: validate is "no"; it must be true or false'],
  [{ validate: null }, "connect: validate is null; it must be true or false"],
  [{ validate: true }, /^connect: validate is true without a contract of defineContract/],
  [{ validate: true, contract: {} }, /^connect: validate is true without a contract of define/],
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

/** A client, and the server's side of it as a script. The test advances the timers of the client. */
class Peer {
  readonly time: FakeTime = new FakeTime();
  readonly errors: unknown[] = [];
  /** The reason of each call of `auth`. */
  readonly reasons: string[] = [];
  readonly client: ChannelClient;
  onopen?: () => void;
  onmessage?: (event: { data: string }) => void;
  onclose?: (end: object) => void;
  #sent: Record<string, unknown>[] = [];

  constructor(auth: (request: AuthRequest, count: number) => unknown = () => "token") {
    // The client sets the listeners of the latest socket.
    const open = (): this => this;
    function Socket(): Peer {
      return open();
    }
    this.client = createClient(
      { WebSocket: Socket as never, decide: decideReconnect },
      "ws://test/api",
      {
        timers: this.time,
        random: () => 1,
        auth: (request: AuthRequest) => auth(request, this.reasons.push(request.reason)),
      },
    );
    this.client.onError.listen((error) => this.errors.push(error));
  }

  send(message: string): void {
    const frame = JSON.parse(message) as Record<string, unknown>;
    if (frame["type"] === "ping") queueMicrotask(() => this.receive({ type: "pong" }));
    else this.#sent.push(frame);
  }

  close(): void {}

  /** Returns the frames that the client has sent since the last call. */
  take(): Record<string, unknown>[] {
    return this.#sent.splice(0);
  }

  receive(frame: object): void {
    this.onmessage!({ data: JSON.stringify(frame) });
  }

  /** Opens the socket of the current attempt, and lets the client in. */
  async welcome(more: object = {}): Promise<void> {
    await turn();
    this.onopen!();
    this.receive({ ...WELCOME, ...more });
    await turn();
    this.take();
  }

  async lose(code = 1006): Promise<void> {
    this.onclose!({ code, reason: "", wasClean: code !== 1006 });
    await turn();
  }
}

const WELCOME = {
  type: "welcome",
  idWindowMs: 300_000,
  repeatable: [],
  maxPending: { publish: 9, call: 9 },
};

describe("credentials that expire", () => {
  const HOUR_MS = 3_600_000;

  it("are refreshed after 80 % of their time", async () => {
    const peer = new Peer((_, count) => `token ${count}`);
    await peer.welcome({ expiresInMs: HOUR_MS });
    await peer.time.advance(0.8 * HOUR_MS);
    expect(peer.take()).toEqual([{ type: "auth", auth: "token 2" }]);
    peer.receive({ ...WELCOME, expiresInMs: HOUR_MS });
    await peer.time.advance(60_000);
    expect(peer.reasons).toEqual(["connect", "expires"]);
  });

  it.each([
    ["throws", () => Promise.reject(new Error("no token")), 1],
    ["does not settle", () => new Promise(() => {}), 0],
  ] as const)("are asked for again after 30 seconds if auth %s", async (_, fail, errors) => {
    const peer = new Peer((__, count) => (count === 2 ? fail() : `token ${count}`));
    await peer.welcome({ expiresInMs: HOUR_MS });
    await peer.time.advance(0.8 * HOUR_MS);
    expect(peer.errors).toHaveLength(errors);
    peer.take();
    await peer.time.advance(30_000);
    expect(peer.take()).toEqual([{ type: "auth", auth: "token 3" }]);
    expect(peer.errors).toHaveLength(errors);
  });

  it("are dropped if the connection is lost before auth has returned them", async () => {
    let settle!: (value: unknown) => void;
    const peer = new Peer((_, count) =>
      count === 2 ? new Promise((resolve) => (settle = resolve)) : `token ${count}`,
    );
    await peer.welcome({ expiresInMs: 1_000 });
    await peer.time.advance(800);
    await peer.lose();
    await peer.time.advance(2_000);
    await peer.welcome();
    settle("token 2");
    await turn();
    expect(peer.take()).toEqual([]);
  });

  it("are not refreshed while the client waits for its next connection", async () => {
    const peer = new Peer();
    await peer.welcome({ expiresInMs: 1_000 });
    await peer.lose();
    await peer.time.advance(2_000);
    expect(peer.reasons).toEqual(["connect", "connect"]);
  });
});

it("reports credentials that JSON cannot express, and tries again", async () => {
  const peer = new Peer((_, count) => (count === 1 ? 1n : "token"));
  await turn();
  peer.onopen!();
  await turn();
  expect(peer.errors).toMatchObject([{ code: "CONNECTION_LOST", cause: expect.any(TypeError) }]);
  await peer.time.advance(2_000);
  peer.onopen!();
  expect(peer.take()).toMatchObject([{ type: "hello", auth: "token" }]);
});

it("resolves result() with the error for an input that JSON cannot express", async () => {
  const peer = new Peer();
  const { error } = await peer.client.call("math/add", 1n).result();
  expect(error).toMatchObject({ name: "ChannelError", code: "INVALID_DATA" });
  expect(error!.message).toContain("BigInt");
});

it("rejects a call with the reason of its signal if that is null", async () => {
  const peer = new Peer();
  await peer.welcome();
  const controller = new AbortController();
  const call = peer.client.call("math/add", 1, { signal: controller.signal });
  const results = Promise.allSettled([call, call.result()]);
  controller.abort(null);
  const rejected = { status: "rejected", reason: null };
  expect(await results).toEqual([rejected, rejected]);
});

describe("a close with 1002", () => {
  it("ends the client with UNSUPPORTED_VERSION after the frame versions", async () => {
    const peer = new Peer();
    await turn();
    peer.onopen!();
    peer.receive({ type: "versions", versions: ["tideway.channels.2"] });
    await peer.lose(1002);
    expect(peer.client.state).toBe("closed");
    expect(peer.errors).toMatchObject([{ code: "UNSUPPORTED_VERSION", cause: { code: 1002 } }]);
  });

  it("ends the client with CONNECTION_LOST otherwise", async () => {
    const peer = new Peer();
    await peer.welcome();
    await peer.lose(1002);
    expect(peer.client.state).toBe("closed");
    expect(peer.errors).toMatchObject([{ code: "CONNECTION_LOST", cause: { code: 1002 } }]);
  });
});

it.each([Infinity, 2 ** 31])("close waits for the answers if flushMs is %d", async (flushMs) => {
  const peer = new Peer();
  await peer.welcome();
  const published = peer.client.topic("rooms/tides").publish("a");
  const [{ id }] = peer.take();
  void peer.client.close({ flushMs });
  await peer.time.advance(1_000);
  peer.receive({ type: "result", id, position: "e:1", isDuplicate: false });
  await expect(published).resolves.toMatchObject({ position: "e:1" });
  expect(peer.client.state).toBe("closed");
});

describe("several calls of close", () => {
  async function publishing(): Promise<[Peer, Promise<unknown>]> {
    const peer = new Peer();
    await peer.welcome();
    peer.close = () => queueMicrotask(() => peer.onclose?.({ code: 1000, reason: "" }));
    return [peer, peer.client.topic("rooms/tides").publish("a")];
  }

  it("resolve when the last answer has arrived", async () => {
    const [peer, published] = await publishing();
    const closed: string[] = [];
    for (const name of ["first", "second"])
      void peer.client.close({ flushMs: Infinity }).then(() => closed.push(name));
    peer.receive({ type: "result", id: peer.take()[0]["id"], position: "e:1", isDuplicate: false });
    await expect(published).resolves.toMatchObject({ position: "e:1" });
    await turn();
    expect(closed.toSorted()).toEqual(["first", "second"]);
  });

  it("resolve when one of them does not wait any longer", async () => {
    const [peer, published] = await publishing();
    const closed: string[] = [];
    void peer.client.close({ flushMs: Infinity }).then(() => closed.push("flushed"));
    void peer.client.close({ flushMs: 50 }).then(() => closed.push("closed"));
    const failure = published.catch((error: unknown) => error);
    await peer.time.advance(50);
    await expect(failure).resolves.toMatchObject({ code: "CLIENT_CLOSED" });
    expect(closed.toSorted()).toEqual(["closed", "flushed"]);
  });
});
