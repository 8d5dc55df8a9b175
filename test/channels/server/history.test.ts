import { BrokerError } from "tideway/topics";
import { describe, expect, it } from "vitest";
import { bytes } from "../../../src/channels/contract/index.ts";
import { FaultyBroker, settle } from "../../topics/support.ts";
import {
  anything,
  type Frame,
  type Options,
  type RawClient,
  start,
  type TestServer,
} from "./support.ts";

const contract = {
  topics: {
    "rooms/:room": { message: anything },
    "video/:id": { message: bytes() },
    "cursors/:id": { message: anything, isVolatile: true },
  },
};

const RULES = {
  "rooms/:room": { subscribe: true },
  "video/:id": { subscribe: true },
  "cursors/:id": { subscribe: true },
};

/** Publishes 1 to `count`, and returns their positions. */
async function open(
  count: number,
  options: Options & { topics?: object } = {},
): Promise<{ server: TestServer; client: RawClient; positions: string[] }> {
  const server = await start(contract, { rules: RULES, ...options });
  const client = await server.connect();
  await client.hello();
  const topic = server.api.topic("rooms/:room", { room: "a" });
  const positions: string[] = [];
  for (let n = 1; n <= count; n++) positions.push((await topic.publish(n)).position!);
  return { server, client, positions };
}

/** Reads a page: its items, and the result or error. */
async function read(
  client: RawClient,
  fields: object,
): Promise<{ readonly items: readonly unknown[]; readonly result: Frame }> {
  client.send({ type: "history", id: 1, topic: "rooms/a", limit: 100, ...fields });
  const items: unknown[] = [];
  for (;;) {
    const frame = await client.answer(1);
    if (frame["type"] !== "item") return { items, result: frame };
    items.push(frame["data"] ?? frame.bytes);
  }
}

describe("history", () => {
  it("has the latest publications with their positions, and the last position", async () => {
    const { client, positions } = await open(5);
    client.send({ type: "history", id: 1, topic: "rooms/a", limit: 2 });
    expect(await client.answer(1)).toEqual({
      type: "item",
      id: 1,
      position: positions[3],
      data: 4,
    });
    expect(await client.answer(1)).toEqual({
      type: "item",
      id: 1,
      position: positions[4],
      data: 5,
    });
    expect(await client.answer(1)).toEqual({ type: "result", id: 1, position: positions[4] });
  });

  it("has publications before or after a position, both exclusive", async () => {
    const { client, positions } = await open(5);
    expect(await read(client, { before: positions[3], limit: 2 })).toMatchObject({ items: [2, 3] });
    expect(await read(client, { before: positions[1] })).toMatchObject({ items: [1] });
    expect(await read(client, { before: positions[0] })).toMatchObject({ items: [] });
    expect(await read(client, { after: positions[1], limit: 2 })).toMatchObject({ items: [3, 4] });
    expect(await read(client, { after: positions[4] })).toMatchObject({ items: [] });
    expect(await read(client, { limit: 0 })).toMatchObject({
      items: [],
      result: { position: positions[4] },
    });
  });

  it("goes back as far as the topic keeps publications", async () => {
    const { client, positions } = await open(10, { topics: { historySize: 4 } });
    const page = await read(client, { before: positions[8] });
    expect(page.items).toEqual([7, 8]);
    expect(page.result["reason"]).toBeUndefined();
    expect(await read(client, { before: positions[2] })).toMatchObject({ items: [] });
  });

  it("says why it cannot continue at a position", async () => {
    const { client, positions } = await open(10, { topics: { historySize: 4 } });
    const [epoch] = positions[0].split(":");
    for (const [fields, reason] of [
      [{ after: positions[1] }, "missing"],
      [{ after: "other:1" }, "epoch-changed"],
      [{ after: `${epoch}:99` }, "position-ahead"],
      [{ after: "nonsense" }, "invalid-position"],
      [{ before: "other:1" }, "epoch-changed"],
      [{ before: `${epoch}:99` }, "position-ahead"],
    ] as const) {
      const { items, result } = await read(client, fields);
      expect([items, result["reason"]]).toEqual([[], reason]);
    }
    expect((await read(client, { before: "nonsense" })).result).toMatchObject({
      code: "INVALID_REQUEST",
    });
  });

  it("has at most maxPageSize publications and maxPageBytes bytes, those next to the position", async () => {
    const { client, positions } = await open(5, { limits: { maxPageSize: 3, maxPageBytes: 1 } });
    expect(await read(client, {})).toMatchObject({ items: [5] });
    expect(await read(client, { before: positions[3] })).toMatchObject({ items: [3] });
    expect(await read(client, { after: positions[0] })).toMatchObject({ items: [2] });
  });

  it("has all publications of a long page in order, although the server reads it in parts", async () => {
    const { client, positions } = await open(300);
    const numbers = (from: number, to: number): number[] =>
      Array.from({ length: to - from + 1 }, (_, index) => from + index);
    const page = { limit: 290 };
    expect(await read(client, page)).toMatchObject({
      items: numbers(11, 300),
      result: { position: positions[299] },
    });
    expect((await read(client, { ...page, before: positions[299] })).items).toEqual(
      numbers(10, 299),
    );
    expect((await read(client, { ...page, before: positions[280] })).items).toEqual(
      numbers(1, 280),
    );
    expect((await read(client, { ...page, after: positions[4] })).items).toEqual(numbers(6, 295));
    expect(await read(client, { ...page, after: positions[19] })).toMatchObject({
      items: numbers(21, 300),
      result: { position: positions[299] },
    });
  });

  it("ends before a gap that the broker has made during the read", async () => {
    const broker = new FaultyBroker();
    const { server, client, positions } = await open(10, { topics: { broker, historySize: 10 } });
    let parts = 0;
    broker.onPage = async (page) => {
      parts++;
      const room = server.api.topic("rooms/:room", { room: "a" });
      if (parts === 1) for (let n = 11; n <= 20; n++) await room.publish(n);
      return page;
    };
    const { items, result } = await read(client, { after: positions[0], limit: 20 });
    expect(items).toEqual([2, 3, 4, 5]);
    expect(result).toEqual({ type: "result", id: 1, position: positions[9] });
  });

  it("of large publications reads little more than maxPageBytes, one part at a time", async () => {
    const broker = new FaultyBroker();
    const { server, client } = await open(0, { topics: { broker } });
    const room = server.api.topic("rooms/:room", { room: "a" });
    for (let n = 0; n < 40; n++) await room.publish(String(n).padEnd(100_000));
    const sizes: number[] = [];
    let reading = 0;
    broker.onPage = async (page) => {
      expect(++reading).toBe(1);
      await settle();
      reading--;
      sizes.push(page.publications.length);
      return page;
    };
    for (const id of [1, 2, 3]) client.send({ type: "history", id, topic: "rooms/a", limit: 40 });
    for (const id of [1, 2, 3]) {
      const items: unknown[] = [];
      for (let item = await client.answer(id); item["type"] === "item";) {
        items.push(Number(item["data"]));
        item = await client.answer(id);
      }
      expect(items).toEqual([30, 31, 32, 33, 34, 35, 36, 37, 38, 39]);
    }
    expect(sizes.reduce((sum, count) => sum + count)).toBeLessThan(3 * 15);
  });

  it("has bytes in binary frames, and leaves out text that is not JSON", async () => {
    const { server, client } = await open(1);
    await server.api.topic("video/:id", { id: "1" }).publish(new Uint8Array([10]));
    expect(await read(client, { topic: "video/1" })).toMatchObject({
      items: [new Uint8Array([10])],
    });
    await server.topics.topic("rooms/a").publish("not JSON");
    expect(await read(client, {})).toMatchObject({ items: [1] });
  });

  it("needs the subscribe rule, a topic of the contract, and a topic that is not volatile", async () => {
    const { client } = await open(1, { rules: { "cursors/:id": { subscribe: true } } });
    expect((await read(client, {})).result).toMatchObject({ code: "FORBIDDEN" });
    expect((await read(client, { topic: "other" })).result).toMatchObject({
      code: "UNKNOWN_TOPIC",
      message: "no pattern in the contract of the server matches the name of the topic",
    });
    expect((await read(client, { topic: "cursors/1" })).result).toMatchObject({
      code: "INVALID_REQUEST",
    });
  });

  it("fails with UNAVAILABLE if the broker does not answer, and above maxPendingPages", async () => {
    const broker = new FaultyBroker();
    const { client } = await open(1, { topics: { broker }, limits: { maxPendingPages: 1 } });
    let release = (): void => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    broker.onCall = async () => {
      await held;
      throw new BrokerError("BROKER_UNAVAILABLE", "no");
    };
    client.send({ type: "history", id: 9, topic: "rooms/a", limit: 1 });
    expect((await read(client, {})).result).toMatchObject({ code: "TOO_MANY_REQUESTS" });
    release();
    expect(await client.answer(9)).toMatchObject({ code: "UNAVAILABLE" });
  });

  it("that is cancelled does not answer a later request with the same id", async () => {
    const { server, client } = await open(3);
    await server.api.topic("rooms/:room", { room: "b" }).publish("b");
    client.send({ type: "history", id: 1, topic: "rooms/a", limit: 3 });
    client.send({ type: "cancel", id: 1 });
    expect(await read(client, { topic: "rooms/b" })).toMatchObject({ items: ["b"] });
    expect(client.received).toEqual([]);
  });

  it("that is cancelled counts against maxPendingBytes until its read has ended", async () => {
    const broker = new FaultyBroker();
    const { client } = await open(1, { topics: { broker }, limits: { maxPendingBytes: 3_000 } });
    let release = (): void => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    broker.onCall = () => held;
    const large = { limit: 1, padding: "x".repeat(2_000) };
    client.send({ type: "history", id: 9, topic: "rooms/a", ...large });
    client.send({ type: "cancel", id: 9 });
    expect((await read(client, large)).result).toMatchObject({ code: "TOO_MANY_REQUESTS" });
    release();
    await settle();
    expect(await read(client, large)).toMatchObject({ items: [1] });
    // Also the bytes of this one are free again.
    client.send({ type: "history", id: 9, topic: "rooms/a", ...large });
    client.send({ type: "cancel", id: 9 }).send({ type: "ping" });
    await client.next("pong");
    await settle();
    expect(await read(client, large)).toMatchObject({ items: [1] });
  });

  it("has no answer after the client has cancelled it", async () => {
    const { client } = await open(3);
    client
      .send({ type: "history", id: 9, topic: "rooms/a", limit: 1 })
      .send({ type: "cancel", id: 9 });
    expect(await read(client, {})).toMatchObject({ items: [1, 2, 3] });
    expect(client.received).toEqual([]);
  });
});
