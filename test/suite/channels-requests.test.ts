import { MemoryBroker } from "tideway/topics";
import { fail, resumable } from "tideway/channels/server";
import { describe, expect, it, vi } from "vitest";
import {
  CALLS,
  connect,
  dataOf,
  deferred,
  openClient,
  range,
  RULES,
  startServer,
  take,
} from "./channels-support.ts";

const ROOM = ["rooms/:room", { room: "tides" }] as const;

type Room = ReturnType<typeof roomOf>;

function roomOf(client: ReturnType<typeof connect>) {
  return client.topic(...ROOM);
}

/** A rule that never settles while `isStuck`. */
function stuckRule() {
  const state = { isStuck: true, started: 0 };
  const publish = (): true | Promise<true> => {
    state.started++;
    return state.isStuck ? new Promise<true>(() => {}) : true;
  };
  return { state, rules: { ...RULES, "rooms/:room": { subscribe: true, publish } } };
}

describe("a publish", () => {
  it("is stored once and in the order of the calls, through lost connections", async () => {
    const server = await startServer();
    const room = connect(server).topic(...ROOM);
    const all = range(1, 60).map(async (item) => {
      const result = await room.publish(item);
      if (item % 20 === 0) server.breakConnections();
      return result.position;
    });
    const positions = await Promise.all(all);
    const { messages } = await server.api.topic(...ROOM).history({ limit: 100 });
    expect(dataOf(messages)).toEqual(range(1, 60));
    expect(positions).toEqual(messages.map(({ position }) => position));
  });

  it("without an answer is sent again to another server", async () => {
    const broker = new MemoryBroker();
    const { rules, state } = stuckRule();
    const one = await startServer({ broker, rules });
    const two = await startServer({ broker });
    const writer = openClient(one);
    const published = writer.client.topic(...ROOM).publish(1);
    await vi.waitFor(() => expect(state.started).toBe(1));
    writer.moveTo(two);
    one.breakConnections();
    await expect(published).resolves.toMatchObject({ isDuplicate: false });
  });

  it("rejects with mayBeStored when the id window is over", async () => {
    const { rules, state } = stuckRule();
    const server = await startServer({ rules, idWindowMs: 1 });
    const published = connect(server)
      .topic(...ROOM)
      .publish(1);
    await vi.waitFor(() => expect(state.started).toBe(1));
    server.breakConnections();
    await expect(published).rejects.toMatchObject({ code: "UNCONFIRMED", mayBeStored: true });
    expect(state.started).toBe(1);
  });

  it("rejects without mayBeStored if its rule or schema refuses, and later ones are stored", async () => {
    const rules = {
      ...RULES,
      "rooms/:room": { publish: ({ draft }: { draft: number }) => draft > 0 },
    };
    const server = await startServer({ rules });
    const room = connect(server).topic(...ROOM);
    const all = [room.publish(-1), room.publish("x" as never), room.publish(1)];
    await expect(all[0]).rejects.toMatchObject({ code: "FORBIDDEN", mayBeStored: false });
    await expect(all[1]).rejects.toMatchObject({
      code: "INVALID_DATA",
      mayBeStored: false,
      issues: [{ message: "is not valid" }],
    });
    await expect(all[2]).resolves.toMatchObject({ isDuplicate: false });
  });

  it("with an id of the application is stored once for all clients", async () => {
    const server = await startServer();
    const [one, two] = [connect(server, { auth: "ann" }), connect(server, { auth: "bob" })];
    const first = await one.topic(...ROOM).publish(1, { id: "order-17" });
    const second = await two.topic(...ROOM).publish(1, { id: "order-17" });
    expect(first.isDuplicate).toBe(false);
    expect(second).toEqual({ position: first.position, isDuplicate: true });
  });

  it("waits for a connection, in a queue with a limit in bytes", async () => {
    const server = await startServer();
    const gate = deferred();
    const client = connect(server, { auth: () => gate.promise, maxQueuedBytes: 180 });
    const room = client.topic(...ROOM);
    const all = [room.publish(1), room.publish(2)];
    await expect(room.publish(1e300)).rejects.toMatchObject({
      code: "QUEUE_FULL",
      mayBeStored: false,
    });
    gate.resolve();
    await Promise.all(all);
    const { messages } = await server.api.topic(...ROOM).history();
    expect(dataOf(messages)).toEqual([1, 2]);
  });
});

describe("a call", () => {
  it("runs at most once, and rejects if the connection is lost before the answer", async () => {
    const double = vi.fn<() => Promise<number>>(() => new Promise(() => {}));
    const server = await startServer({ calls: { ...CALLS, double } });
    const client = connect(server);
    const call = client.call("double", 1);
    await vi.waitFor(() => expect(double).toHaveBeenCalledTimes(1));
    server.breakConnections();
    await expect(call).rejects.toMatchObject({ code: "CONNECTION_LOST" });
    await client.call("place", 1);
    expect(double).toHaveBeenCalledTimes(1);
  });

  it("that is idempotent is sent again with the same id, to another server", async () => {
    const ids: string[] = [];
    const place = (_: number, { id }: { id: string }): Promise<string> => {
      ids.push(id);
      return new Promise(() => {});
    };
    const one = await startServer({ calls: { ...CALLS, place } });
    const two = await startServer();
    const caller = openClient(one);
    const { client } = caller;
    const call = client.call("place", 1);
    await vi.waitFor(() => expect(ids).toHaveLength(1));
    caller.moveTo(two);
    one.breakConnections();
    expect(await call).toBe(ids[0]);
    expect(await client.call("place", 1)).not.toBe(ids[0]);
  });

  it("fails with a declared error and its data, which result() returns", async () => {
    const double = (input: number) => (input > 10 ? fail("tooBig", 10) : 2 * input);
    const client = connect(await startServer({ calls: { ...CALLS, double } }));
    await expect(client.call("double", 11)).rejects.toMatchObject({ code: "tooBig", data: 10 });
    const { error, output } = await client.call("double", 11).result();
    expect(error).toMatchObject({ code: "tooBig", data: 10 });
    expect(output).toBeUndefined();
    expect(await client.call("double", 2).result()).toEqual({ output: 4 });
  });

  it("aborts its handler when its signal aborts, or its time is over", async () => {
    const signals: AbortSignal[] = [];
    const double = (_: number, { signal }: { signal: AbortSignal }): Promise<number> => {
      signals.push(signal);
      return new Promise(() => {});
    };
    const client = connect(await startServer({ calls: { ...CALLS, double } }));
    const controller = new AbortController();
    const cancelled = client.call("double", 1, { signal: controller.signal });
    await vi.waitFor(() => expect(signals).toHaveLength(1));
    controller.abort(new Error("enough"));
    await expect(cancelled).rejects.toThrow("enough");
    const late = client.call("double", 1, { timeoutMs: 1 });
    await expect(late).rejects.toMatchObject({ code: "TIMEOUT" });
    await vi.waitFor(() => expect(signals.every(({ aborted }) => aborted)).toBe(true));
  });
});

describe("a stream", () => {
  it("gives its items in order, at the pace of its reader", async () => {
    let made = 0;
    const count = async function* (to: number) {
      for (const item of range(1, to)) {
        made = item;
        yield item;
      }
    };
    const server = await startServer({ calls: { ...CALLS, count } });
    const client = connect(server, { creditBytes: 200 });
    const items = client.stream("count", 200);
    expect(await take(items, 3)).toEqual([1, 2, 3]);
    await client.call("double", 1);
    // An item takes 32 bytes or more.
    expect(made).toBeLessThan(20);
    expect(await take(items, 197)).toEqual(range(4, 200));
    await expect(items.next()).resolves.toEqual({ done: true, value: undefined });
  });

  it.each(["a break", "its signal", "a lost connection"])(
    "ends at its source by %s",
    async (by) => {
      const ended = deferred();
      const count = async function* (to: number) {
        try {
          for (const item of range(1, to)) yield item;
        } finally {
          ended.resolve();
        }
      };
      const server = await startServer({ calls: { ...CALLS, count } });
      const client = connect(server, { creditBytes: 100 });
      const controller = new AbortController();
      const items = client.stream("count", 1_000, { signal: controller.signal });
      await take(items, 1);
      if (by === "a break") await items.return();
      else if (by === "its signal") controller.abort(new Error("enough"));
      else server.breakConnections();
      await expect(ended.promise).resolves.toBeUndefined();
    },
  );

  it("that is resumable continues after its last item, on another server", async () => {
    const lines = async function* (to: number, { lastId = "0" }: { lastId: string | undefined }) {
      for (const line of range(Number(lastId) + 1, to)) yield resumable(`${line}`, line);
    };
    const one = await startServer({ calls: { ...CALLS, lines } });
    const two = await startServer({ calls: { ...CALLS, lines } });
    const reader = openClient(one, { creditBytes: 200 });
    const items = reader.client.stream("lines", 50);
    expect(await take(items, 10)).toEqual(range(1, 10));
    reader.moveTo(two);
    one.breakConnections();
    expect(await take(items, 40)).toEqual(range(11, 50));
    await expect(items.next()).resolves.toEqual({ done: true, value: undefined });
  });

  it("that is not resumable fails if the connection is lost", async () => {
    const count = async function* () {
      yield 1;
      await new Promise(() => {});
    };
    const server = await startServer({ calls: { ...CALLS, count } });
    const items = connect(server).stream("count", 1);
    await take(items, 1);
    server.breakConnections();
    await expect(items.next()).rejects.toMatchObject({ code: "CONNECTION_LOST" });
  });
});

describe("an error", () => {
  it("of a handler reaches the client as INTERNAL without its text, and is reported", async () => {
    const double = (): number => {
      throw new Error("the password is 1234");
    };
    const server = await startServer({ calls: { ...CALLS, double } });
    const client = connect(server);
    const error: unknown = await client.call("double", 1).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "INTERNAL" });
    expect(String(error)).not.toContain("1234");
    expect(server.errors).toMatchObject([{ message: "the password is 1234" }]);
  });

  it("of one request does not affect other requests, subscriptions and streams", async () => {
    const count = async function* () {
      yield 1;
      throw new Error("broken");
    };
    const server = await startServer({ calls: { ...CALLS, count } });
    const client = connect(server);
    const onStateChange = vi.fn<(state: string) => void>();
    const messages = client.topic(...ROOM).messages({ last: 1 });
    await client.topic(...ROOM).publish(1);
    await take(messages, 1);
    client.onStateChange.listen(onStateChange);
    const items = client.stream("count", 1);
    const failures = [
      client.call("double", "x" as never),
      client.call("later" as never, undefined as never),
      client.topic("rooms/:room", { room: "tides" }).publish("x" as never),
      (client.topic as (name: string) => Room)("nowhere").history(),
      take(items, 2),
    ];
    const settled = await Promise.allSettled(failures);
    expect(settled.map((result) => (result as { reason?: { code: string } }).reason?.code)).toEqual(
      ["INVALID_DATA", "UNKNOWN_CALL", "INVALID_DATA", "UNKNOWN_TOPIC", "INTERNAL"],
    );
    await client.topic(...ROOM).publish(2);
    expect(dataOf(await take(messages, 1))).toEqual([2]);
    expect(onStateChange).not.toHaveBeenCalled();
  });
});

describe("close", () => {
  it("rejects everything that is pending with CLIENT_CLOSED", async () => {
    const double = (): Promise<number> => new Promise(() => {});
    const { rules } = stuckRule();
    const server = await startServer({ rules, calls: { ...CALLS, double } });
    const client = connect(server);
    const room = client.topic(...ROOM);
    const messages = client.topic("rooms/:room", { room: "other" }).messages();
    const request = (): Promise<unknown>[] => [client.call("double", 1), room.publish(1)];
    const pending = Promise.allSettled([...request(), messages.next()]);
    await client.call("place", 1);
    await client.close();
    const later = Promise.allSettled([...request(), room.messages().next()]);
    const closed = { status: "rejected", reason: { code: "CLIENT_CLOSED" } };
    expect(await pending).toMatchObject([closed, closed, closed]);
    expect(await later).toMatchObject([closed, closed, closed]);
    expect(client.state).toBe("closed");
  });

  it("waits for answers as long as flushMs", async () => {
    const server = await startServer();
    const client = connect(server);
    const published = client.topic(...ROOM).publish(1);
    await client.close({ flushMs: 20_000 });
    await expect(published).resolves.toMatchObject({ isDuplicate: false });
  });
});
