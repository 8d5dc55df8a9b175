import { describe, expect, it } from "vitest";
import { startStream } from "../../../src/channels/client/start-stream.ts";
import { ChannelError } from "../../../src/channels/wire/channel-error.ts";
import type { FlowReader } from "../../../src/channels/wire/credit-flow.ts";
import { type SentFrame, SessionPeer } from "../wire/session-peer.ts";

const tooMany = { type: "error", code: "TOO_MANY_REQUESTS", retryAfterMs: 250 };
const CONTINUED = { type: "stream", name: "answer", input: "Why?", lastId: "7" };

const start = (peer: SessionPeer): FlowReader<unknown> =>
  startStream(peer.session, "answer", "Why?", undefined);

/** Starts a resumable stream, and continues it on a second connection. Returns its reader and that request. */
function continued(peer: SessionPeer): [FlowReader<unknown>, SentFrame] {
  const reader = start(peer);
  const [{ id }] = peer.connect();
  peer.receive({ type: "item", id, itemId: "7", data: "Because" });
  expect(reader.take()?.value).toBe("Because");
  peer.lose();
  const [again] = peer.connect();
  expect(again).toMatchObject(CONTINUED);
  return [reader, again];
}

describe("a stream that continues after a reconnect", () => {
  it("tries again after retryAfterMs if the server has too many requests", async () => {
    const peer = new SessionPeer();
    const [reader, { id }] = continued(peer);
    for (let attempts = 0; attempts < 3; attempts++) {
      peer.receive({ ...tooMany, id });
      await peer.time.advance(249);
      expect(peer.take()).toEqual([]);
      await peer.time.advance(1);
      expect(peer.take()).toMatchObject([{ ...CONTINUED, id }]);
    }
    expect(peer.errors).toHaveLength(3);
    expect(peer.errors[0]).toMatchObject({ code: "TOO_MANY_REQUESTS", retryAfterMs: 250 });
    peer.receive({ type: "item", id, itemId: "8", data: "the moon" });
    expect(reader.take()?.value).toBe("the moon");
  });

  it("is sent once on the next connection if the connection is lost during the wait", async () => {
    const peer = new SessionPeer();
    const [, { id }] = continued(peer);
    peer.receive({ ...tooMany, id });
    peer.lose();
    expect(peer.connect()).toMatchObject([CONTINUED]);
    await peer.time.advance(1_000);
    expect(peer.take()).toEqual([]);
  });

  it("sends nothing after its reader has been closed during the wait", async () => {
    const peer = new SessionPeer();
    const [reader, { id }] = continued(peer);
    peer.receive({ ...tooMany, id });
    reader.close();
    await peer.time.advance(1_000);
    expect(peer.take()).toEqual([]);
    peer.lose();
    expect(peer.connect()).toEqual([]);
  });

  it("ends at once when the client closes during the wait", async () => {
    const peer = new SessionPeer();
    const [reader, { id }] = continued(peer);
    peer.receive({ ...tooMany, id });
    peer.session.end(new ChannelError("CLIENT_CLOSED"));
    expect(reader.take()).toMatchObject({ isEnd: true, value: { code: "CLIENT_CLOSED" } });
    await peer.time.advance(1_000);
    expect(peer.errors).toHaveLength(1);
  });

  it("ends with an error that is not temporary", () => {
    const peer = new SessionPeer();
    const [reader, { id }] = continued(peer);
    peer.receive({ type: "error", id, code: "FORBIDDEN" });
    const end = reader.take();
    expect(end).toMatchObject({ isEnd: true, value: { code: "FORBIDDEN" } });
    expect(end?.value).toHaveProperty("mayBeStored", undefined);
  });
});

it("a stream that has not started ends at the first error, also if that is temporary", () => {
  const peer = new SessionPeer();
  const reader = start(peer);
  const [{ id }] = peer.connect();
  peer.receive({ ...tooMany, id });
  expect(reader.take()).toMatchObject({ isEnd: true, value: { code: "TOO_MANY_REQUESTS" } });
});
