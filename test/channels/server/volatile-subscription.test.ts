import { describe, expect, it } from "vitest";
import { anything, type Options, type RawClient, start, type TestServer } from "./support.ts";

const contract = { topics: { "cursors/:board": { message: anything, isVolatile: true } } };

async function open(options: Options = {}): Promise<{ server: TestServer; clients: RawClient[] }> {
  const rules = { "cursors/:board": { subscribe: true, publish: true } };
  const server = await start(contract, { rules, ...options });
  const clients: RawClient[] = [];
  for (const secret of ["A", "B", "C"]) {
    const client = await server.connect();
    await client.hello({ session: secret.repeat(22) });
    clients.push(client);
  }
  return { server, clients };
}

function subscribe(client: RawClient, credit: number): Promise<unknown> {
  return client.request({ type: "subscribe", id: 1, topic: "cursors/1", credit });
}

let number = 1;

function publish(client: RawClient, data: unknown): Promise<unknown> {
  const id = ++number;
  return client.request({ type: "publish", id, topic: "cursors/1", data, number: id });
}

describe("a volatile topic", () => {
  it("has no position, and sends each message to the subscribers of all connections", async () => {
    const { server, clients } = await open();
    const [ann, bob] = clients;
    for (const client of [ann, bob]) {
      expect(await subscribe(client, 1_000)).toEqual({
        type: "subscribed",
        id: 1,
        topic: "cursors/1",
        number: 0,
        isVolatile: true,
      });
    }
    expect(await publish(ann, { x: 1 })).toMatchObject({ type: "result", isDuplicate: false });
    for (const client of [ann, bob]) expect(await client.next()).toEqual([0, { x: 1 }]);
    await server.api.topic("cursors/:board", { board: "1" }).publish({ x: 2 });
    for (const client of [ann, bob]) expect(await client.next()).toEqual([0, { x: 2 }]);
  });

  it("keeps the latest message of each sender for a slow subscriber", async () => {
    const { clients } = await open();
    const [slow, bob, cid] = clients;
    await subscribe(slow, 1);
    await publish(bob, "first");
    expect(await slow.next()).toEqual([0, "first"]);
    for (const n of [1, 2, 3]) {
      await publish(bob, `b${n}`);
      await publish(cid, `c${n}`);
    }
    await publish(bob, "b4");
    slow.send({ type: "credit", topic: "cursors/1", bytes: 1_000 });
    expect([await slow.next(), await slow.next()]).toEqual([
      [0, "c3"],
      [0, "b4"],
    ]);
    await publish(bob, "later");
    expect(await slow.next()).toEqual([0, "later"]);
  });

  it("keeps messages of at most maxVolatileSenders, and drops the oldest", async () => {
    const { clients } = await open({ limits: { maxVolatileSenders: 1 } });
    const [slow, bob, cid] = clients;
    await subscribe(slow, 0);
    await publish(bob, "b");
    await publish(cid, "c");
    slow.send({ type: "credit", topic: "cursors/1", bytes: 1_000 });
    expect(await slow.next()).toEqual([0, "c"]);
    await publish(bob, "later");
    expect(await slow.next()).toEqual([0, "later"]);
  });

  it("keeps messages of at most maxVolatileBytes in all topics, and drops the oldest", async () => {
    const { clients } = await open({ limits: { maxVolatileBytes: 2_500 } });
    const [slow, bob, cid] = clients;
    const topics = ["cursors/1", "cursors/2"];
    const kept = (data: string): string => data.padEnd(1_000);
    const send = async (client: RawClient, topic: string, data: string): Promise<unknown> => {
      const id = ++number;
      return client.request({ type: "publish", id, topic, data, number: id });
    };
    for (const [index, topic] of topics.entries())
      await slow.request({ type: "subscribe", id: index + 1, topic, credit: 0 });
    await send(bob, topics[0], kept("b1"));
    await send(cid, topics[0], kept("c1"));
    await send(bob, topics[1], kept("b2"));
    // The latest message of a sender replaces its earlier one, which does not count any more.
    await send(bob, topics[1], kept("b3"));
    await send(cid, topics[1], "c".repeat(5_000));
    await send(bob, topics[1], kept("b4"));
    for (const topic of topics) slow.send({ type: "credit", topic, bytes: 10_000 });
    expect(await slow.next()).toEqual([1, kept("b4")]);
    await send(bob, topics[0], "later");
    expect(await slow.next()).toEqual([0, "later"]);
    slow.send({ type: "unsubscribe", topic: topics[0] });
  });

  it("has all of maxVolatileBytes again after its messages were sent, or it has ended", async () => {
    const { clients } = await open({ limits: { maxVolatileBytes: 1_500 } });
    const [slow, bob] = clients;
    const data = "x".repeat(1_000);
    for (let round = 0; round < 3; round++) {
      await subscribe(slow, 0);
      await publish(bob, data);
      slow.send({ type: "credit", topic: "cursors/1", bytes: 1 });
      expect(await slow.next()).toEqual([0, data]);
      await publish(bob, data);
      slow.send({ type: "unsubscribe", topic: "cursors/1" });
    }
  });

  it("sends nothing after unsubscribe, and again after another subscribe", async () => {
    const { clients } = await open();
    const [ann, bob] = clients;
    await subscribe(ann, 1_000);
    ann.send({ type: "unsubscribe", topic: "cursors/1" });
    await publish(ann, "unheard");
    await subscribe(ann, 1_000);
    await publish(bob, "heard");
    expect(await ann.next()).toEqual([0, "heard"]);
  });
});
