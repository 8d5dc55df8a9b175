import { PublicationsLostError } from "tideway/channels";
import { MemoryBroker } from "tideway/topics";
import { describe, expect, it, vi } from "vitest";
import {
  connect,
  dataOf,
  openClient,
  range,
  RULES,
  startServer,
  take,
} from "./channels-support.ts";

const ROOM = ["rooms/:room", { room: "tides" }] as const;

describe("publications to a subscriber", () => {
  it("arrive once and in order, through lost connections and slow reading", async () => {
    const server = await startServer();
    const reader = connect(server, { creditBytes: 100 });
    const writer = connect(server);
    const all = range(1, 60).map((item) => writer.topic(...ROOM).publish(item));
    const received: number[] = [];
    for await (const { data } of reader.topic(...ROOM).messages({ last: 100 })) {
      received.push(data);
      if (data % 12 === 0) server.breakConnections();
      if (data === 60) break;
    }
    expect(received).toEqual(range(1, 60));
    await Promise.all(all);
    const { messages } = await server.api.topic(...ROOM).history({ limit: 100 });
    expect(dataOf(messages)).toEqual(range(1, 60));
  });

  it("arrive once and in order, through the crash of their server", async () => {
    const broker = new MemoryBroker();
    const [one, two] = [await startServer({ broker }), await startServer({ broker })];
    const [reader, writer] = [openClient(one), openClient(one)];
    const messages = reader.client.topic(...ROOM).messages({ last: 100 });
    const before = range(1, 20).map((item) => writer.client.topic(...ROOM).publish(item));
    expect(dataOf(await take(messages, 10))).toEqual(range(1, 10));
    reader.moveTo(two);
    writer.moveTo(two);
    one.breakConnections();
    const after = range(21, 40).map((item) => writer.client.topic(...ROOM).publish(item));
    expect(dataOf(await take(messages, 30))).toEqual(range(11, 40));
    await Promise.all([...before, ...after]);
  });

  it("have positions from which another client continues", async () => {
    const server = await startServer();
    const client = connect(server);
    const room = client.topic(...ROOM);
    for (const item of range(1, 5)) await room.publish(item);
    const [{ position }] = await take(room.messages({ last: 3 }), 1);
    const rest = connect(server)
      .topic(...ROOM)
      .messages({ since: position });
    expect(dataOf(await take(rest, 2))).toEqual([4, 5]);
    const { messages } = await room.history({ before: position, limit: 2 });
    expect(dataOf(messages)).toEqual([1, 2]);
  });

  it("have no gap and no duplicate between the last ones and live ones", async () => {
    const server = await startServer();
    const [reader, writer] = [connect(server), connect(server)];
    const room = writer.topic(...ROOM);
    await Promise.all(range(1, 20).map((item) => room.publish(item)));
    const live = range(21, 60).map((item) => room.publish(item));
    const messages = reader.topic(...ROOM).messages({ last: 10 });
    const received = dataOf(await take(messages, 1));
    while (received.at(-1) !== 60) received.push(...dataOf(await take(messages, 1)));
    expect(received).toEqual(range(received[0], 60));
    expect(received.length).toBeGreaterThanOrEqual(10);
    await Promise.all(live);
  });

  it("are lost with a memory broker that is replaced, which onLost tells before later ones", async () => {
    const [one, two] = [await startServer(), await startServer()];
    const reader = openClient(one);
    const lost: unknown[] = [];
    const messages = reader.client
      .topic(...ROOM)
      .messages({ last: 10, onLost: (loss) => lost.push(loss) });
    await one.api.topic(...ROOM).publish(1);
    expect(dataOf(await take(messages, 1))).toEqual([1]);
    reader.moveTo(two);
    one.breakConnections();
    const next = take(messages, 1);
    await vi.waitFor(() => expect(lost).toHaveLength(1));
    expect(lost).toMatchObject([{ reason: "epoch-changed", position: expect.any(String) }]);
    await two.api.topic(...ROOM).publish(2);
    expect(dataOf(await next)).toEqual([2]);
  });

  it("are lost with an error of the loop that has the reason and position, without onLost", async () => {
    const [one, two] = [await startServer(), await startServer()];
    const reader = openClient(one);
    const messages = reader.client.topic(...ROOM).messages({ last: 10 });
    await one.api.topic(...ROOM).publish(1);
    await take(messages, 1);
    await two.api.topic(...ROOM).publish(7);
    reader.moveTo(two);
    one.breakConnections();
    const error: unknown = await messages.next().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(PublicationsLostError);
    expect(error).toMatchObject({ reason: "epoch-changed", position: expect.any(String) });
    const { position } = error as PublicationsLostError;
    await two.api.topic(...ROOM).publish(8);
    const rest = reader.client.topic(...ROOM).messages({ since: position });
    expect(dataOf(await take(rest, 1))).toEqual([8]);
  });
});

describe("a subscription", () => {
  it("is shared by all handles of its topic, each with its own queue", async () => {
    const subscribe = vi.fn<() => true>(() => true);
    const rules = { ...RULES, "rooms/:room": { subscribe, publish: true } } as const;
    const server = await startServer({ rules });
    const client = connect(server);
    const [one, two] = [1, 2].map(() => client.topic(...ROOM).messages({ last: 10 }));
    const first = [take(one, 3), take(two, 1)];
    for (const item of range(1, 3)) await server.api.topic(...ROOM).publish(item);
    expect((await Promise.all(first)).map(dataOf)).toEqual([[1, 2, 3], [1]]);
    expect(dataOf(await take(two, 2))).toEqual([2, 3]);
    expect(subscribe).toHaveBeenCalledTimes(1);
  });

  it("stays if a loop begins in the task in which the last one ends, and ends otherwise", async () => {
    const subscribe = vi.fn<() => true>(() => true);
    const rules = { ...RULES, "rooms/:room": { subscribe, publish: true } } as const;
    const server = await startServer({ rules });
    const client = connect(server);
    const room = client.topic(...ROOM);
    const first = room.messages({ last: 1 });
    await server.api.topic(...ROOM).publish(1);
    await take(first, 1);
    await first.return?.();
    const second = room.messages();
    const next = second.next();
    await client.call("double", 1);
    await server.api.topic(...ROOM).publish(2);
    expect(await next).toMatchObject({ value: { data: 2 } });
    expect(subscribe).toHaveBeenCalledTimes(1);

    await second.return?.();
    await vi.waitFor(async () => {
      await client.call("double", 1);
      const third = room.messages({ last: 1 });
      await take(third, 1);
      await third.return?.();
      expect(subscribe.mock.calls.length).toBeGreaterThan(1);
    });
  });

  it("ends with its signal, and the loop throws the reason", async () => {
    const server = await startServer();
    const controller = new AbortController();
    const messages = connect(server)
      .topic(...ROOM)
      .messages({ signal: controller.signal });
    const next = messages.next();
    controller.abort(new Error("enough"));
    await expect(next).rejects.toThrow("enough");
    await expect(messages.next()).resolves.toEqual({ done: true, value: undefined });
  });

  it("fails with the first next if its rule refuses, and nothing else fails", async () => {
    const server = await startServer({
      rules: { ...RULES, "rooms/:room": { subscribe: ({ params }) => params.room !== "closed" } },
    });
    const client = connect(server);
    const closed = client.topic("rooms/:room", { room: "closed" }).messages();
    await expect(closed.next()).rejects.toMatchObject({ code: "FORBIDDEN" });
    const messages = client.topic(...ROOM).messages({ last: 1 });
    await server.api.topic(...ROOM).publish(1);
    expect(dataOf(await take(messages, 1))).toEqual([1]);
  });

  it("beyond maxSubscriptions fails with the first next, and nothing else fails", async () => {
    const server = await startServer({ limits: { maxSubscriptions: 1 } });
    const client = connect(server);
    const errors: unknown[] = [];
    client.onError.listen((error) => errors.push(error));
    await server.api.topic(...ROOM).publish(1);
    const messages = client.topic(...ROOM).messages({ last: 1 });
    expect(dataOf(await take(messages, 1))).toEqual([1]);
    const other = client.topic("rooms/:room", { room: "other" });
    await expect(other.messages().next()).rejects.toMatchObject({ code: "TOO_MANY_TOPICS" });
    await server.api.topic(...ROOM).publish(2);
    expect(dataOf(await take(messages, 1))).toEqual([2]);
    expect(errors).toEqual([]);
    await messages.return?.();
    await server.api.topic("rooms/:room", { room: "other" }).publish(3);
    await vi.waitFor(async () =>
      expect((await other.messages({ last: 1 }).next()).value?.data).toBe(3),
    );
  });

  it("fails after its messages when the server revokes it, and nothing else fails", async () => {
    let closed = "";
    const server = await startServer({
      rules: { ...RULES, "rooms/:room": { subscribe: ({ params }) => params.room !== closed } },
    });
    const client = connect(server);
    const other = { room: "other" };
    const revoked = client.topic(...ROOM).messages({ last: 1 });
    const messages = client.topic("rooms/:room", other).messages({ last: 1 });
    await server.api.topic(...ROOM).publish(1);
    await server.api.topic("rooms/:room", other).publish(1);
    await Promise.all([take(revoked, 1), take(messages, 1)]);
    closed = "tides";
    await server.api.recheck();
    await expect(revoked.next()).rejects.toMatchObject({ code: "FORBIDDEN" });
    await server.api.topic("rooms/:room", other).publish(2);
    expect(dataOf(await take(messages, 1))).toEqual([2]);
  });
});

describe("a slow topic", () => {
  it("does not delay nine fast ones, and continues in order when its reader does", async () => {
    const server = await startServer();
    const client = connect(server, { creditBytes: 1_000 });
    const names = range(0, 9).map((name) => `log-${name}`);
    const readers = names.map((name) => client.topic("logs/:name", { name }).messages({ last: 1 }));
    const lines = range(1, 40).map((line) => `${line}`.padStart(200, "."));
    const starts = readers.map((reader) => take(reader, 1));
    for (const name of names) await server.api.topic("logs/:name", { name }).publish("start");
    await Promise.all(starts);
    for (const line of lines) {
      for (const name of names) await server.api.topic("logs/:name", { name }).publish(line);
    }
    const [stalled, ...fast] = readers;
    const received = await Promise.all(fast.map((reader) => take(reader, lines.length)));
    expect(received.map(dataOf)).toEqual(fast.map(() => lines));
    expect(dataOf(await take(stalled, lines.length))).toEqual(lines);
  });
});

describe("a volatile topic", () => {
  it("delivers to the subscribers of each server, without positions, and stores nothing", async () => {
    const broker = new MemoryBroker();
    const [one, two] = [await startServer({ broker }), await startServer({ broker })];
    const [reader, writer] = [connect(one), connect(two)];
    const board = reader.topic("moves/:board", { board: "b" });
    const messages = board.messages();
    const first = messages.next();
    await vi.waitFor(async () => {
      await writer.topic("moves/:board", { board: "b" }).publish(1);
      expect(await Promise.race([first, writer.call("double", 1)])).toEqual({
        done: false,
        value: { data: 1 },
      });
    });
    await expect(writer.topic("moves/:board", { board: "b" }).publish(2)).resolves.toEqual({
      isDuplicate: false,
    });
  });
});
