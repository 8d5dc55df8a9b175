import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ChannelError } from "../../../src/channels/wire/channel-error.ts";
import {
  subscribe,
  type SubscriptionValue,
} from "../../../src/channels/wire/client-subscription.ts";
import { call, publish, SessionPeer, turn } from "./session-peer.ts";

const POSITION = "e1:7";

const subscribed = (id: number, more: object = {}): object => ({
  type: "subscribed",
  id,
  topic: "news",
  number: 3,
  position: POSITION,
  recovered: false,
  ...more,
});

describe("the first frames", () => {
  it("introduces the client with its secret and the number of the connection", () => {
    const peer = new SessionPeer();
    peer.session.hello({ token: 1 });
    expect(peer.take()).toEqual([
      { type: "hello", auth: { token: 1 }, session: "AAAAAAAAAAAAAAAAAAAAAA", connection: 1 },
    ]);
    peer.lose();
    peer.session.hello(undefined);
    expect(peer.take()).toEqual([
      { type: "hello", session: "AAAAAAAAAAAAAAAAAAAAAA", connection: 2 },
    ]);
  });

  it("sends requests only after the welcome, subscriptions first", () => {
    const peer = new SessionPeer();
    void publish(peer, "news", "a");
    subscribe(peer.session, "news", { last: 5 });
    peer.session.hello(undefined);
    peer.take();
    peer.receive({
      type: "welcome",
      idWindowMs: 1,
      repeatable: [],
      maxPending: { publish: 9, call: 9 },
    });
    expect(peer.take()).toMatchObject([
      { type: "subscribe", topic: "news", last: 5, credit: 1_000 },
      { type: "publish", topic: "news", data: "a" },
    ]);
  });
});

describe("subscriptions", () => {
  it("gives publications with positions that count from the position in the answer", () => {
    const peer = new SessionPeer();
    const reader = subscribe(peer.session, "news", {});
    const [{ id }] = peer.connect();
    peer.receive(subscribed(id));
    peer.receive([3, { text: "one" }]);
    peer.receive([3], new Uint8Array([1, 2]));
    expect(reader.take()?.value).toEqual({ data: { text: "one" }, position: "e1:8" });
    expect(reader.take()?.value).toEqual({ data: new Uint8Array([1, 2]), position: "e1:9" });
    expect(reader.take()).toBeUndefined();
  });

  it("continues at the last position on the next connection", () => {
    const peer = new SessionPeer();
    const reader = subscribe(peer.session, "news", { last: 5 });
    const [{ id }] = peer.connect();
    peer.receive(subscribed(id));
    peer.receive([3, 1]);
    peer.lose();
    const [again] = peer.connect();
    expect(again).toMatchObject({ type: "subscribe", since: "e1:8" });
    expect(again).not.toHaveProperty("last");
    peer.receive(subscribed(again.id, { number: 4, position: "e1:8", recovered: true }));
    peer.receive([3, "of another topic"]);
    peer.receive([4, 2]);
    expect(reader.take()?.value).toEqual({ data: 1, position: "e1:8" });
    expect(reader.take()?.value).toEqual({ data: 2, position: "e1:9" });
    expect(reader.take()).toBeUndefined();
  });
});

describe("publishes", () => {
  it("resolves with the result of the server", async () => {
    const peer = new SessionPeer();
    peer.connect();
    const published = publish(peer, "news", new Uint8Array([7]));
    const [frame] = peer.take();
    expect(frame).toEqual({
      type: "publish",
      id: frame.id,
      topic: "news",
      number: frame.id,
      bytes: new Uint8Array([7]),
    });
    peer.receive({ type: "result", id: frame.id, position: "e1:8", isDuplicate: false });
    await expect(published).resolves.toMatchObject({ position: "e1:8" });
  });

  it("sends publishes without an answer again, in order and before later ones", () => {
    const peer = new SessionPeer();
    peer.connect();
    void publish(peer, "news", 1);
    void publish(peer, "news", 2, "key");
    const before = peer.take();
    peer.lose();
    void publish(peer, "news", 3);
    const after = peer.connect();
    expect(after.slice(0, 2)).toEqual(before);
    expect(after[1]).toMatchObject({ key: "key" });
    expect(after[2]).toMatchObject({ data: 3 });
  });
});

describe("a publish that was sent on two connections", () => {
  it("may be stored by the first server, even if the second server reports that it did not store it", async () => {
    const peer = new SessionPeer();
    peer.connect();
    const published = publish(peer, "news", 1);
    peer.lose();
    const later = publish(peer, "news", 2);
    const [first, second] = peer.connect();
    for (const { id } of [first, second]) {
      peer.receive({ type: "error", id, code: "UNAVAILABLE", mayBeStored: false });
    }
    await expect(published).rejects.toMatchObject({ code: "UNAVAILABLE", mayBeStored: true });
    await expect(later).rejects.toMatchObject({ code: "UNAVAILABLE", mayBeStored: false });
  });
});

describe("calls", () => {
  it("resolves with the output, and rejects with the error of the server", async () => {
    const peer = new SessionPeer();
    peer.connect();
    const added = call(peer, "math/add", { a: 1 });
    const failed = call(peer, "math/add", undefined);
    const [one, two] = peer.take();
    expect(one).toEqual({
      type: "call",
      id: one.id,
      name: "math/add",
      input: { a: 1 },
      number: one.id,
    });
    peer.receive({ type: "error", id: two.id, code: "overflow", data: { max: 9 } });
    peer.receive({ type: "result", id: one.id, output: { sum: 1 } });
    await expect(added).resolves.toMatchObject({ output: { sum: 1 } });
    await expect(failed).rejects.toMatchObject({ code: "overflow", data: { max: 9 } });
  });

  it("fails at once when the connection is lost, unless the server says that it is repeatable", async () => {
    const peer = new SessionPeer();
    peer.connect();
    const lost = call(peer, "math/add", {});
    const kept = call(peer, "orders/place", {});
    const [, order] = peer.take();
    expect(order).toMatchObject({ number: order.id });
    peer.lose();
    await expect(lost).rejects.toMatchObject({ code: "CONNECTION_LOST", mayBeStored: true });
    expect(peer.connect()).toEqual([order]);
    peer.receive({ type: "result", id: order.id });
    await expect(kept).resolves.toEqual({ type: "result", id: order.id });
    await turn();
  });
});

describe("data that JSON cannot express", () => {
  const circular: { self?: unknown } = {};
  circular.self = circular;

  it.each([["a circular object", circular] as const, ["a bigint", 1n] as const])(
    "fails the call and the publish with %s, and leaves no timer behind",
    async (_, data) => {
      const peer = new SessionPeer();
      peer.connect();
      const { pending } = peer.time;
      const controller = new AbortController();
      const options = { timeoutMs: 50, signal: controller.signal };
      for (const request of [
        call(peer, "math/add", data, options),
        publish(peer, "news", data, undefined, options),
      ])
        await expect(request).rejects.toMatchObject({
          name: "ChannelError",
          code: "INVALID_DATA",
          mayBeStored: false,
          cause: expect.any(TypeError),
        });
      expect(peer.time.pending).toBe(pending);
      controller.abort();
      await peer.time.advance(100);
      peer.session.onIdle(() => peer.errors.push("idle"));
      expect(peer.errors).toEqual(["idle"]);
      expect(peer.take()).toEqual([]);
    },
  );

  it.each(["with", "without"])("fails only the stream %s a connection", async (how) => {
    const peer = new SessionPeer();
    if (how === "with") peer.connect();
    const failed: unknown[] = [];
    peer.session.add(
      "stream",
      "s",
      () => ({ input: circular }),
      (error) => failed.push(error),
    );
    const added = call(peer, "math/add", 1);
    const [frame] = how === "with" ? peer.take() : peer.connect();
    expect(frame).toMatchObject({ type: "call" });
    peer.receive({ type: "result", id: frame.id, output: 2 });
    await expect(added).resolves.toMatchObject({ output: 2 });
    expect(failed).toMatchObject([{ code: "INVALID_DATA", cause: expect.any(TypeError) }]);
    expect(peer.failures).toEqual([]);
  });

  it("fails the subscription, and no other request", async () => {
    const peer = new SessionPeer();
    const reader = subscribe(peer.session, "news", { last: 1n as never });
    expect(peer.connect()).toEqual([]);
    expect(reader.take()).toMatchObject({
      isEnd: true,
      value: { code: "INVALID_DATA", cause: expect.any(TypeError) },
    });
    expect(peer.failures).toEqual([]);
  });
});

describe("very many requests", () => {
  it("cost the same each: an answer does not look at all other requests", () => {
    const peer = new SessionPeer();
    peer.connect();
    let looks = 0;
    for (let count = 0; count < 1_000; count++) {
      const fields = (): object => ({ topic: `t${count}`, credit: 1 });
      const request = peer.session.add("subscribe", undefined, fields, () => {});
      const { type } = request;
      Object.defineProperty(request, "type", { get: () => (looks++, type) });
    }
    looks = 0;
    for (const { id } of peer.take()) peer.receive(subscribed(id));
    expect(looks).toBeLessThan(10_000);
  });
});

describe("a full queue", () => {
  const COUNT = 1_000;

  /** Makes publishes. The server allows two at a time. Counts how often the session looks at them. */
  function fill() {
    const peer = new SessionPeer({ maxQueuedBytes: 1_000_000 });
    peer.connect({ maxPending: { publish: 2, call: 2 } });
    const counts = { looks: 0, settled: 0 };
    for (let count = 0; count < COUNT; count++) {
      const fields = (): object => ({ topic: "news", data: count });
      const request = peer.session.add("publish", "news", fields, () => counts.settled++);
      const { type } = request;
      Object.defineProperty(request, "type", { get: () => (counts.looks++, type) });
    }
    counts.looks = 0;
    return { peer, counts };
  }

  it("is sent in order, and an answer does not look at all other publishes", () => {
    const { peer, counts } = fill();
    const sent: unknown[] = [];
    for (let frames = peer.take(); frames.length > 0; frames = peer.take()) {
      expect(frames.length).toBeLessThanOrEqual(2);
      for (const { id, data } of frames) {
        sent.push(data);
        peer.receive({ type: "result", id });
      }
    }
    expect(sent).toEqual(Array.from({ length: COUNT }, (_, index) => index));
    expect(counts.settled).toBe(COUNT);
    expect(counts.looks).toBeLessThan(20 * COUNT);
  });

  it("fails when the session ends, and looks at each publish only a few times", () => {
    const { peer, counts } = fill();
    peer.session.end(new ChannelError("CLIENT_CLOSED"));
    expect(counts.settled).toBe(COUNT);
    expect(counts.looks).toBeLessThan(20 * COUNT);
  });
});

describe("the time limit of a call", () => {
  it.each([Number.NaN, -1, 0])(
    "rejects the call with a UsageError if it is %d, and sends nothing",
    async (timeoutMs) => {
      const peer = new SessionPeer();
      peer.connect();
      await expect(call(peer, "math/add", 1, { timeoutMs })).rejects.toMatchObject({
        name: "UsageError",
        code: "INVALID_OPTION",
        message: `timeoutMs is ${timeoutMs}`,
      });
      expect(peer.take()).toEqual([]);
    },
  );

  it.each([Infinity, 2 ** 31, undefined])("does not exist if it is %s", (timeoutMs) => {
    const peer = new SessionPeer();
    peer.connect();
    const { pending } = peer.time;
    void call(peer, "math/add", 1, { timeoutMs });
    expect(peer.take()).toMatchObject([{ type: "call" }]);
    expect(peer.time.pending).toBe(pending);
  });

  it("cancels the call at the server", async () => {
    const peer = new SessionPeer();
    peer.connect();
    const called = call(peer, "math/add", 1, { timeoutMs: 50 });
    const [{ id }] = peer.take();
    await Promise.all([
      expect(called).rejects.toMatchObject({ code: "TIMEOUT", message: "no answer within 50 ms" }),
      peer.time.advance(50),
    ]);
    expect(peer.take()).toEqual([{ type: "cancel", id }]);
  });
});

describe("an error of the server", () => {
  it("is a ChannelError with the known fields of the frame, and ignores all others", async () => {
    const peer = new SessionPeer();
    peer.connect();
    const called = call(peer, "math/add", 1);
    const [{ id }] = peer.take();
    peer.session.receive(
      `{"type":"error","id":${id},"code":"overflow","data":1,"__proto__":{"a":1},"toString":1,"name":1}`,
    );
    const error = await called.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ChannelError);
    expect(error).toMatchObject({ name: "ChannelError", code: "overflow", data: 1 });
    expect(String(error)).toBe("ChannelError: overflow");
  });
});

/** A server that stores publications by their numbers, and answers when the script orders it. */
class Server {
  readonly stored: unknown[] = [];
  readonly #positions = new Map<unknown, number>();

  store(number: unknown, data: unknown): object {
    const isDuplicate = this.#positions.has(number);
    if (!isDuplicate) this.#positions.set(number, this.stored.push(data));
    return { position: `e:${this.#positions.get(number)}`, isDuplicate };
  }
}

/** How many frames the server processes, how many of its answers arrive, and then the connection is lost. */
const connection = fc.record({
  processed: fc.nat(6),
  answered: fc.nat(6),
  published: fc.nat(3),
});

it("stores each publish once and in order, even if the connection is lost at any frame", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(connection, { maxLength: 8 }), async (connections) => {
      const peer = new SessionPeer();
      const server = new Server();
      const settled: Promise<unknown>[] = [];
      let count = 0;
      const add = (): void => void settled.push(publish(peer, "news", ++count));
      add();
      // The last connection loses nothing.
      for (const { processed, answered, published } of [
        ...connections,
        { processed: Infinity, answered: Infinity, published: 0 },
      ]) {
        const frames = peer.connect();
        for (let left = published; left > 0; left--) add();
        const answers = [...frames, ...peer.take()]
          .slice(0, processed)
          .map(({ id, number, data }) => ({ type: "result", id, ...server.store(number, data) }));
        for (const answer of answers.slice(0, answered)) peer.receive(answer);
        peer.lose();
        if (published > 1) add();
      }
      peer.session.end(new ChannelError("CLIENT_CLOSED"));
      // The client did not send publishes that followed the last loss.
      const results = await Promise.allSettled(settled);
      const order = server.stored as number[];
      expect(order).toEqual(order.map((_, index) => index + 1));
      for (const [index, { status }] of results.entries())
        expect(status).toBe(index < order.length ? "fulfilled" : "rejected");
    }),
  );
});

it("gives each publication once and in order, even if the connection is lost at any frame", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ frames: fc.nat(5), taken: fc.nat(4) }), { maxLength: 8 }),
      fc.nat(5),
      async (connections, last) => {
        const peer = new SessionPeer({ creditBytes: 40 });
        const history = Array.from({ length: 60 }, (_, index) => index + 1);
        const reader = subscribe(peer.session, "news", { since: "e:0" });
        const late = subscribe(peer.session, "news", { last });
        const seen: unknown[] = [];
        const take = (from: typeof reader, into: unknown[], count: number): void => {
          for (let entry; into.length < count && (entry = from.take());)
            into.push((entry.value as Exclude<SubscriptionValue, Error>).data);
        };
        for (const { frames, taken } of [...connections, { frames: 60, taken: 60 }]) {
          const [{ id, since }] = peer.connect().filter(({ type }) => type === "subscribe");
          let offset = Number(String(since).split(":")[1]);
          let left = frames;
          if (left-- > 0)
            peer.receive({
              type: "subscribed",
              id,
              topic: "news",
              number: 1,
              position: `e:${offset}`,
              recovered: true,
            });
          while (left-- > 0 && offset < history.length) peer.receive([1, history[offset++]]);
          await turn();
          for (const frame of peer.take().filter(({ type }) => type === "history"))
            peer.receive({ type: "result", id: frame.id, position: "e:0" });
          await turn();
          take(reader, seen, seen.length + taken);
          peer.lose();
        }
        const lateSeen: unknown[] = [];
        take(reader, seen, Infinity);
        take(late, lateSeen, Infinity);
        expect(seen).toEqual(history.slice(0, seen.length));
        expect(seen.length).toBeGreaterThanOrEqual(58);
        expect(lateSeen).toEqual(history.slice(0, lateSeen.length));
      },
    ),
  );
});
