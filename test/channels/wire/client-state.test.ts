import { describe, expect, it } from "vitest";
import { enter, leave } from "../../../src/channels/wire/client-presence.ts";
import { subscribe } from "../../../src/channels/wire/client-subscription.ts";
import { call, SessionPeer } from "./session-peer.ts";

describe("an error that may be temporary", () => {
  const tooMany = { type: "error", code: "TOO_MANY_REQUESTS", retryAfterMs: 250 };

  it("makes the client subscribe again after retryAfterMs, and is reported", async () => {
    const peer = new SessionPeer();
    const reader = subscribe(peer.session, "news", {});
    const [{ id }] = peer.connect();
    peer.receive({ ...tooMany, id });
    await peer.time.advance(249);
    expect(peer.take()).toEqual([]);
    await peer.time.advance(1);
    expect(peer.take()).toMatchObject([{ type: "subscribe", topic: "news" }]);
    expect(peer.errors).toMatchObject([{ code: "TOO_MANY_REQUESTS", retryAfterMs: 250 }]);
    expect(reader.take()).toBeUndefined();
  });

  it("makes the client enter again, unless the connection is lost first", async () => {
    const peer = new SessionPeer();
    const entered = enter(peer.session, "news");
    const [first] = peer.connect();
    peer.receive({ type: "error", id: first.id, code: "UNAVAILABLE", retryAfterMs: 1_000 });
    peer.lose();
    const [second] = peer.connect();
    expect(second).toMatchObject({ type: "enter", replaces: 1 });
    await peer.time.advance(10_000);
    expect(peer.take()).toEqual([]);
    peer.receive({ type: "result", id: second.id, member: { id: "ann" } });
    await expect(entered).resolves.toEqual({ id: "ann" });
  });

  it("is not sent again after leave, nor on the next connection", async () => {
    const peer = new SessionPeer();
    const entered = enter(peer.session, "news");
    const [{ id }] = peer.connect();
    peer.receive({ ...tooMany, id });
    const left = leave(peer.session, "news");
    await expect(entered).rejects.toMatchObject({ code: "LEFT" });
    const [frame] = peer.take();
    expect(frame).toMatchObject({ type: "leave" });
    peer.receive({ type: "result", id: frame.id });
    await left;
    await peer.time.advance(1_000);
    expect(peer.take()).toEqual([]);
    peer.lose();
    expect(peer.connect()).toEqual([]);
  });

  it("is final without retryAfterMs", async () => {
    const peer = new SessionPeer();
    const reader = subscribe(peer.session, "news", {});
    const [{ id }] = peer.connect();
    peer.receive({ type: "error", id, code: "TOO_MANY_TOPICS" });
    expect(reader.take()).toMatchObject({ isEnd: true, value: { code: "TOO_MANY_TOPICS" } });
    await peer.time.advance(600_000);
    peer.lose();
    expect(peer.connect()).toEqual([]);
  });

  it("rejects a call at once, with retryAfterMs", async () => {
    const peer = new SessionPeer();
    peer.connect();
    const called = call(peer, "math/add", 1);
    const [{ id }] = peer.take();
    peer.receive({ ...tooMany, id });
    await expect(called).rejects.toMatchObject({ code: "TOO_MANY_REQUESTS", retryAfterMs: 250 });
  });
});
