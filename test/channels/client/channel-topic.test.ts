import { describe, expect, it } from "vitest";
import { createTopic } from "../../../src/channels/client/channel-topic.ts";
import { call, type SentFrame, SessionPeer, turn } from "../wire/session-peer.ts";

const TOPIC = "rooms/tides";

function open() {
  const peer = new SessionPeer();
  peer.connect();
  return { peer, topic: createTopic(peer.session, TOPIC) };
}

/** Takes the only frame that was sent. */
function only(peer: SessionPeer): SentFrame {
  const frames = peer.take();
  expect(frames).toHaveLength(1);
  return frames[0];
}

describe("publish", () => {
  it("sends a number, or the id of the application as key, and resolves with the position", async () => {
    const { peer, topic } = open();
    expect(topic.name).toBe(TOPIC);
    const first = topic.publish("a");
    const frame = only(peer);
    expect(frame).toMatchObject({ type: "publish", topic: TOPIC, data: "a", number: frame.id });
    peer.receive({ type: "result", id: frame.id, position: "e:1", isDuplicate: false, later: 1 });
    expect(await first).toEqual({ position: "e:1", isDuplicate: false });
    void topic.publish("b", { id: "order" });
    expect(only(peer)).toMatchObject({ key: "order" });
  });

  it("rejects with the reason of its signal, and sends nothing if that has aborted before", async () => {
    const { peer, topic } = open();
    const controller = new AbortController();
    const published = topic.publish("a", { signal: controller.signal });
    peer.take();
    controller.abort(new Error("stop"));
    await expect(published).rejects.toThrow("stop");
    await expect(topic.publish("b", { signal: controller.signal })).rejects.toThrow("stop");
    expect(peer.take()).toEqual([]);
  });
});

it.each([null, 0, "", "stop"])(
  "a publish and a history request reject with %j if that is the reason of their signal",
  async (reason) => {
    const { topic } = open();
    const controller = new AbortController();
    const { signal } = controller;
    const requests = [topic.publish("a", { signal }), topic.history({ signal })];
    controller.abort(reason);
    const rejected = { status: "rejected", reason };
    expect(await Promise.allSettled(requests)).toEqual([rejected, rejected]);
  },
);

describe("publish to a volatile topic", () => {
  const LOST = { name: "ChannelError", code: "CONNECTION_LOST" };

  /** Publishes once, so that the client knows that the topic stores nothing. */
  async function openVolatile() {
    const { peer, topic } = open();
    const published = topic.publish("a");
    peer.receive({ type: "result", id: only(peer).id, isDuplicate: false });
    expect(await published).toEqual({ isDuplicate: false });
    return { peer, topic };
  }

  it("rejects without a connection, and sends nothing later", async () => {
    const { peer, topic } = await openVolatile();
    peer.lose();
    await expect(topic.publish("b")).rejects.toMatchObject({ ...LOST, mayBeStored: false });
    expect(peer.connect()).toEqual([]);
    void topic.publish("c");
    expect(only(peer)).toMatchObject({ data: "c" });
  });

  it("rejects if the connection is lost before the answer, and is not sent again", async () => {
    const { peer, topic } = await openVolatile();
    const published = topic.publish("b");
    peer.lose();
    await expect(published).rejects.toMatchObject({ ...LOST, mayBeStored: true });
    peer.take();
    expect(peer.connect()).toEqual([]);
  });

  it("rejects without a connection if a subscription has shown that the topic stores nothing", async () => {
    const { peer, topic } = open();
    void topic.messages().next();
    const { id } = only(peer);
    peer.receive({ type: "subscribed", id, topic: TOPIC, number: 1, isVolatile: true });
    peer.lose();
    await expect(topic.publish("a")).rejects.toMatchObject(LOST);
  });

  it("does not affect a call with the name of the topic", async () => {
    const { peer } = await openVolatile();
    peer.lose();
    void call(peer, TOPIC, 1);
    expect(peer.connect()).toMatchObject([{ type: "call", name: TOPIC }]);
  });
});

describe("history", () => {
  it("reads 100 publications by default, and resolves with the page", async () => {
    const { peer, topic } = open();
    const page = topic.history();
    const { id, ...frame } = only(peer);
    expect(frame).toEqual({ type: "history", topic: TOPIC, limit: 100 });
    peer.receive({ type: "item", id, position: "e:1", data: "a" });
    peer.receive({ type: "item", id, position: "e:2" }, new Uint8Array([1]));
    peer.receive({ type: "result", id, position: "e:2" });
    expect(await page).toEqual({
      messages: [
        { data: "a", position: "e:1" },
        { data: new Uint8Array([1]), position: "e:2" },
      ],
      position: "e:2",
      reason: undefined,
    });
  });

  it("passes before, after and limit on", async () => {
    const { peer, topic } = open();
    const page = topic.history({ limit: 2, before: "e:9" });
    const { id, ...frame } = only(peer);
    expect(frame).toEqual({ type: "history", topic: TOPIC, limit: 2, before: "e:9" });
    peer.receive({ type: "item", id, position: "e:7", data: "a" });
    peer.receive({ type: "result", id, position: "e:9" });
    expect((await page).messages).toEqual([{ data: "a", position: "e:7" }]);
    void topic.history({ after: "e:7" });
    expect(only(peer)).toMatchObject({ after: "e:7" });
  });

  it("withdraws the request when its signal aborts", async () => {
    const { peer, topic } = open();
    const controller = new AbortController();
    const page = topic.history({ signal: controller.signal });
    const { id } = only(peer);
    controller.abort(new Error("stop"));
    await expect(page).rejects.toThrow("stop");
    expect(only(peer)).toEqual({ type: "cancel", id });
  });
});

describe("messages", () => {
  it("subscribes with the first next, and unsubscribes one task after the end", async () => {
    const { peer, topic } = open();
    const messages = topic.messages({ last: 5 });
    expect(peer.take()).toEqual([]);
    const first = messages.next();
    const { id, ...frame } = only(peer);
    expect(frame).toMatchObject({ type: "subscribe", topic: TOPIC, last: 5 });
    const answer = { type: "subscribed", id, topic: TOPIC, number: 1, recovered: false };
    peer.receive({ ...answer, position: "e:3", reason: "no-position" });
    peer.receive([1, "a"]);
    expect(await first).toEqual({ done: false, value: { data: "a", position: "e:4" } });
    await messages.return!();
    await peer.time.advance(0);
    expect(only(peer)).toEqual({ type: "unsubscribe", topic: TOPIC });
  });

  it("start without a loss at an empty position", async () => {
    const { peer, topic } = open();
    const first = topic.messages({ since: "" }).next();
    const { id } = only(peer);
    const answer = { type: "subscribed", id, topic: TOPIC, number: 1, recovered: false };
    peer.receive({ ...answer, position: "e:3", reason: "no-position" });
    peer.receive([1, "a"]);
    expect(await first).toEqual({ done: false, value: { data: "a", position: "e:4" } });
  });

  it("share one subscription, which ends one task after the last of them", async () => {
    const { peer, topic } = open();
    const loops = [topic.messages(), topic.messages()];
    for (const loop of loops) void loop.next();
    await turn();
    expect(only(peer)).toMatchObject({ type: "subscribe" });
    await loops[0].return!();
    await peer.time.advance(0);
    expect(peer.take()).toEqual([]);
    await loops[1].return!();
    await peer.time.advance(0);
    expect(peer.take()).toEqual([{ type: "unsubscribe", topic: TOPIC }]);
  });
});

describe("presence", () => {
  const ANN = { id: "ann" };

  it("rejects enter with LEFT if leave is called before the answer", async () => {
    const { peer, topic } = open();
    const entered = topic.enter();
    only(peer);
    void topic.leave();
    await expect(entered).rejects.toMatchObject({
      code: "LEFT",
      message: "leave was called",
    });
    expect(only(peer)).toMatchObject({ type: "leave" });
  });

  it("enters once for several calls, and leaves", async () => {
    const { peer, topic } = open();
    const entered = [topic.enter(), topic.enter()];
    const { id } = only(peer);
    peer.receive({ type: "result", id, member: ANN });
    expect(await Promise.all(entered)).toEqual([ANN, ANN]);
    const left = topic.leave();
    const frame = only(peer);
    expect(frame).toMatchObject({ type: "leave", topic: TOPIC });
    peer.receive({ type: "result", id: frame.id });
    await expect(left).resolves.toBeUndefined();
    await expect(topic.leave()).resolves.toBeUndefined();
    expect(peer.take()).toEqual([]);
  });

  it("knows the members while it watches their changes", async () => {
    const { peer, topic } = open();
    expect(topic.members).toBeUndefined();
    const changes: unknown[] = [];
    const subscription = topic.onMembersChange.listen((change) => changes.push(change));
    const { id } = only(peer);
    peer.receive({ type: "members", id, topic: TOPIC, members: [ANN] });
    peer.receive({ type: "leave", topic: TOPIC, member: ANN });
    await turn();
    expect(topic.members).toEqual([]);
    expect(changes).toEqual([
      { members: [ANN], joined: [ANN], left: [] },
      { members: [], joined: [], left: [ANN] },
    ]);
    subscription.cancel();
    await peer.time.advance(0);
    expect(only(peer)).toEqual({ type: "unwatch", topic: TOPIC });
  });
});
