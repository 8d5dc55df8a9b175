import { describe, expect, it } from "vitest";
import { ChannelError } from "../../../src/channels/wire/channel-error.ts";
import type { FlowReader } from "../../../src/channels/wire/credit-flow.ts";
import {
  subscribe,
  type SubscriptionValue,
} from "../../../src/channels/wire/client-subscription.ts";
import { type SentFrame, SessionPeer, turn } from "./session-peer.ts";

/** Subscribes a first reader, and then a second reader that starts at a position. */
async function startLate(peer: SessionPeer): Promise<[FlowReader<SubscriptionValue>, SentFrame]> {
  subscribe(peer.session, "news", {});
  const [{ id }] = peer.connect();
  const answer = { type: "subscribed", topic: "news", number: 3, position: "e1:7" };
  peer.receive({ ...answer, id, recovered: false });
  const late = subscribe(peer.session, "news", { since: "e1:5" });
  await turn();
  const [frame] = peer.take();
  expect(frame).toMatchObject({ type: "history", topic: "news", after: "e1:5" });
  return [late, frame];
}

/** Answers a history request with the items between 5 and 7. */
function answerHistory(peer: SessionPeer, { id }: SentFrame): void {
  peer.receive({ type: "item", id, position: "e1:6", data: "six" });
  peer.receive({ type: "item", id, position: "e1:7", data: "seven" });
  peer.receive({ type: "result", id, position: "e1:7" });
}

describe("the receiver of a topic's publications", () => {
  /** Subscribes to a topic, to which the server gives the number. */
  function subscribed(peer: SessionPeer, topic: string, number: number): FlowReader<unknown> {
    const reader = subscribe(peer.session, topic, {});
    answerSubscribe(peer, topic, number);
    return reader;
  }

  function answerSubscribe(peer: SessionPeer, topic: string, number: number): void {
    const { id } = peer
      .take()
      .find((frame) => frame.type === "subscribe" && frame["topic"] === topic)!;
    peer.receive({ type: "subscribed", id, topic, number, position: "e1:0", recovered: false });
  }

  it("is forgotten after the last reader, and the other topics keep theirs", async () => {
    const peer = new SessionPeer();
    peer.connect();
    const kept = subscribed(peer, "kept", 0);
    for (let number = 1; number < 100; number++) {
      subscribed(peer, `topic-${number}`, number).close();
      await peer.time.advance(0);
    }
    expect([...peer.session.receivers.keys()]).toEqual([0]);
    peer.receive([0, "data"]);
    expect(kept.take()?.value).toMatchObject({ data: "data" });
  });

  it("is forgotten when the server ends the subscription", () => {
    const peer = new SessionPeer();
    peer.connect();
    subscribed(peer, "news", 3);
    peer.receive({ type: "unsubscribed", topic: "news", code: "FORBIDDEN" });
    expect(peer.session.receivers.size).toBe(0);
  });

  it("stays when a topic that had the number on an earlier connection is closed", async () => {
    const peer = new SessionPeer();
    peer.connect();
    const earlier = subscribed(peer, "earlier", 3);
    const reader = subscribed(peer, "news", 4);
    peer.lose();
    peer.sent = peer.connect();
    answerSubscribe(peer, "news", 3);
    earlier.close();
    await peer.time.advance(0);
    peer.receive([3, "data"]);
    expect(reader.take()?.value).toMatchObject({ data: "data" });
  });

  it("stays when a reader of an earlier subscription, which the server ended, is closed", async () => {
    const peer = new SessionPeer();
    peer.connect();
    const ended = subscribed(peer, "news", 3);
    peer.receive({ type: "unsubscribed", topic: "news", code: "FORBIDDEN" });
    const reader = subscribed(peer, "news", 3);
    ended.close();
    await peer.time.advance(0);
    peer.receive([3, "data"]);
    expect(reader.take()?.value).toMatchObject({ data: "data" });
  });
});

describe("a reader that starts at a position while another one reads the topic", () => {
  it("reads the history again when the broker was away, and misses nothing during the wait", async () => {
    const peer = new SessionPeer();
    const [late, { id }] = await startLate(peer);
    peer.receive({ type: "error", id, code: "UNAVAILABLE", retryAfterMs: 500 });
    await turn();
    expect(peer.errors).toMatchObject([{ code: "UNAVAILABLE" }]);
    peer.receive([3, "eight"]);
    expect(late.take()).toBeUndefined();
    await peer.time.advance(500);
    answerHistory(peer, peer.take()[0]);
    await turn();
    const items = [late.take(), late.take(), late.take()].map((entry) => entry?.value);
    expect(items).toEqual([
      { data: "six", position: "e1:6" },
      { data: "seven", position: "e1:7" },
      { data: "eight", position: "e1:8" },
    ]);
  });

  it("ends at once when the client closes before the next attempt", async () => {
    const peer = new SessionPeer();
    const [late, { id }] = await startLate(peer);
    peer.receive({ type: "error", id, code: "UNAVAILABLE", retryAfterMs: 1_000 });
    await turn();
    peer.session.end(new ChannelError("CLIENT_CLOSED"));
    expect(late.take()).toMatchObject({ isEnd: true, value: { code: "CLIENT_CLOSED" } });
    late.close();
    await peer.time.advance(1_000);
    expect(late.take()).toBeUndefined();
  });

  it("fails with an error that is not temporary", async () => {
    const peer = new SessionPeer();
    const [late, { id }] = await startLate(peer);
    peer.receive({ type: "error", id, code: "FORBIDDEN" });
    await turn();
    expect(late.take()?.value).toMatchObject({ code: "FORBIDDEN" });
  });
});

describe("a reader that is closed before it has read the history", () => {
  it("asks for no further page", async () => {
    const peer = new SessionPeer();
    const [late, { id }] = await startLate(peer);
    late.close();
    peer.receive({ type: "item", id, position: "e1:6", data: "six" });
    peer.receive({ type: "result", id, position: "e1:7" });
    await turn();
    expect(peer.take()).toEqual([]);
  });

  it("does not try again after an error that is temporary", async () => {
    const peer = new SessionPeer();
    const [late, { id }] = await startLate(peer);
    peer.receive({ type: "error", id, code: "UNAVAILABLE", retryAfterMs: 500 });
    late.close();
    await peer.time.advance(500);
    expect(peer.take()).toEqual([]);
  });
});

describe("a reader that starts with the latest publications while another one reads the topic", () => {
  async function startLast(
    peer: SessionPeer,
    last: number,
  ): Promise<FlowReader<SubscriptionValue>> {
    subscribe(peer.session, "news", {});
    const [{ id }] = peer.connect();
    const answer = { type: "subscribed", topic: "news", number: 3, position: "e1:7" };
    peer.receive({ ...answer, id, recovered: false });
    const late = subscribe(peer.session, "news", { last });
    await turn();
    return late;
  }

  /** Answers the latest history request with a page of the offsets. */
  async function answerPage(
    peer: SessionPeer,
    offsets: number[],
    more: object = {},
  ): Promise<void> {
    const [{ id }] = peer.take();
    for (const offset of offsets)
      peer.receive({ type: "item", id, position: `e1:${offset}`, data: offset });
    peer.receive({ type: "result", id, position: "e1:7", ...more });
    await turn();
  }

  const take = (reader: FlowReader<SubscriptionValue>): unknown[] => {
    const values: unknown[] = [];
    for (let entry; (entry = reader.take()) && !entry.isEnd;) {
      const { value } = entry;
      values.push(value instanceof Error ? value.message : value?.data);
    }
    return values;
  };

  it("reads more pages until it has as many as it asked for", async () => {
    const peer = new SessionPeer();
    const late = await startLast(peer, 5);
    expect(peer.sent).toMatchObject([{ type: "history", limit: 5 }]);
    await answerPage(peer, [6, 7]);
    expect(peer.sent).toMatchObject([{ type: "history", limit: 3, before: "e1:6" }]);
    peer.receive([3, 8]);
    await answerPage(peer, [4, 5]);
    expect(peer.sent).toMatchObject([{ type: "history", limit: 1, before: "e1:4" }]);
    await answerPage(peer, [3]);
    expect(peer.sent).toEqual([]);
    expect(take(late)).toEqual([3, 4, 5, 6, 7, 8]);
  });

  it("gets the items of the earlier epoch before the loss, if the epoch changes between two pages", async () => {
    const peer = new SessionPeer();
    const late = await startLast(peer, 5);
    await answerPage(peer, [6, 7]);
    peer.receive([3, 8]);
    peer.receive({ type: "lost", topic: "news", position: "e2:0", reason: "epoch-changed" });
    peer.receive([3, "new"]);
    await answerPage(peer, [], { position: "e2:1", reason: "epoch-changed" });
    expect(take(late)).toEqual([
      6,
      7,
      8,
      "publications before e2:0 are lost: epoch-changed",
      "new",
    ]);
  });

  it("skips the earlier epoch if the first page is of the later one", async () => {
    const peer = new SessionPeer();
    const late = await startLast(peer, 2);
    peer.receive([3, 8]);
    const [{ id }] = peer.take();
    peer.receive({ type: "item", id, position: "e2:1", data: "new" });
    peer.receive({ type: "result", id, position: "e2:1" });
    await turn();
    peer.receive({ type: "lost", topic: "news", position: "e2:0", reason: "epoch-changed" });
    peer.receive([3, "new"]);
    peer.receive([3, "newer"]);
    await answerPage(peer, []);
    expect(take(late)).toEqual(["new", "newer"]);
  });
});
