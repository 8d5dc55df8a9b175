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
    peer.receive({ type: "error", id, code: "UNAVAILABLE" });
    await turn();
    peer.session.end(new ChannelError("CLIENT_CLOSED"));
    expect(late.take()).toMatchObject({ isEnd: true, error: { code: "CLIENT_CLOSED" } });
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
