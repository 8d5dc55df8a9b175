import { describe, expect, it, vi } from "vitest";
import { Subscriber, type SubscriberSource } from "../../../src/topics/subscribers/subscriber.ts";
import type { Position } from "../../../src/topics/broker/position.ts";
import type { LossReason } from "../../../src/topic-names/loss-reason.ts";
import type { TopicData } from "../../../src/topics/broker/publication.ts";
import type { Prepared } from "../../../src/topics/messages/recent-publications.ts";
import { RecordingSocket, settle } from "../support.ts";

const EPOCH = "e";

const at = (offset: number): Position => ({ epoch: EPOCH, offset });

const prepared = (offset: number): Prepared => ({ position: at(offset), content: `${offset}` });

/** A feed with publications in memory and pages of the broker that the test chooses. */
class FakeSource implements SubscriberSource {
  position = at(0);
  hasPresence = false;
  readonly memory = new Map<number, Prepared>();
  readonly reads: Position[] = [];
  answer: (position: Position) => Promise<readonly Prepared[] | LossReason> = async () => [];
  readonly removed: Subscriber[] = [];

  next({ epoch, offset }: Position): Prepared | undefined {
    return epoch === EPOCH ? this.memory.get(offset + 1) : undefined;
  }

  readAfter(position: Position): Promise<readonly Prepared[] | LossReason> {
    this.reads.push(position);
    return this.answer(position);
  }

  encodeLost(position: Position, reason: LossReason): TopicData {
    return `lost ${reason} ${position.offset}`;
  }

  encodeMembers(): TopicData {
    return "members";
  }

  remove(subscriber: Subscriber): void {
    this.removed.push(subscriber);
  }

  /** Publishes as a feed does: into memory, then to the subscriber. */
  publish(offset: number, subscriber?: Subscriber): void {
    const publication = prepared(offset);
    this.position = publication.position;
    this.memory.set(offset, publication);
    subscriber?.offer([publication]);
  }
}

/** A subscriber that has sent its first notice. */
function subscribe(source: FakeSource, position: Position = source.position) {
  const socket = new RecordingSocket();
  const subscriber = new Subscriber(socket, source, position);
  subscriber.start("subscribed");
  return { socket, subscriber };
}

describe("Subscriber", () => {
  it("sends the first notice and then each publication at once", () => {
    const source = new FakeSource();
    const { socket, subscriber } = subscribe(source);
    source.publish(1, subscriber);
    source.publish(2, subscriber);
    expect(socket.sent).toEqual(["subscribed", "1", "2"]);
  });

  it("sends publications in memory after its position before new ones", () => {
    const source = new FakeSource();
    for (const offset of [1, 2, 3]) source.publish(offset);
    const { socket, subscriber } = subscribe(source, at(1));
    source.publish(4, subscriber);
    expect(socket.sent).toEqual(["subscribed", "2", "3", "4"]);
    expect(source.reads).toEqual([]);
  });

  it("reads from the broker until memory continues", async () => {
    const source = new FakeSource();
    source.publish(5);
    source.answer = async ({ offset }) =>
      [offset + 1, offset + 2].filter((next) => next < 5).map(prepared);
    const { socket } = subscribe(source, at(0));
    await settle();
    expect(source.reads).toEqual([at(0), at(2)]);
    expect(socket.sent).toEqual(["subscribed", "1", "2", "3", "4", "5"]);
  });

  it("does not send a publication twice that arrives during a read", async () => {
    const source = new FakeSource();
    source.publish(2);
    let resolve!: (page: readonly Prepared[]) => void;
    source.answer = () => new Promise((done) => (resolve = done));
    const { socket, subscriber } = subscribe(source, at(0));
    source.publish(3, subscriber);
    resolve([prepared(1), prepared(2), prepared(3)]);
    await settle();
    expect(socket.sent).toEqual(["subscribed", "1", "2", "3"]);
  });

  it("leaves out publications that it got while it caught up", () => {
    const source = new FakeSource();
    for (const offset of [1, 2]) source.publish(offset);
    const { socket, subscriber } = subscribe(source, at(0));
    subscriber.offer([1, 2, 3].map(prepared));
    expect(socket.sent).toEqual(["subscribed", "1", "2", "3"]);
  });

  it("counts a publication without content as sent", () => {
    const source = new FakeSource();
    const { socket, subscriber } = subscribe(source);
    source.position = at(1);
    subscriber.offer([{ position: at(1), content: undefined }]);
    source.publish(2, subscriber);
    expect(socket.sent).toEqual(["subscribed", "2"]);
  });

  it.each([
    ["accepts one more message", {}, ["subscribed", "1"]],
    ["accepts none", { isFull: true }, ["subscribed"]],
  ])(
    "keeps nothing for a full socket that %s, and continues from its position on drain",
    async (_, block, sentBefore) => {
      const source = new FakeSource();
      const { socket, subscriber } = subscribe(source);
      socket.block(block);
      for (const offset of [1, 2, 3]) source.publish(offset, subscriber);
      await settle();
      expect(socket.sent).toEqual(sentBefore);
      socket.unblock();
      await settle();
      source.publish(4, subscriber);
      expect(socket.sent).toEqual(["subscribed", "1", "2", "3", "4"]);
    },
  );

  it("sends a refused first notice on drain", async () => {
    const source = new FakeSource();
    const socket = new RecordingSocket();
    socket.block({ isFull: true });
    const subscriber = new Subscriber(socket, source, at(0));
    subscriber.start("subscribed");
    source.publish(1, subscriber);
    socket.unblock();
    await settle();
    expect(socket.sent).toEqual(["subscribed", "1"]);
  });

  it("sends nothing of a backlog after its end, even on drain", async () => {
    const source = new FakeSource();
    const { socket, subscriber } = subscribe(source);
    socket.block();
    for (const offset of [1, 2, 3]) source.publish(offset, subscriber);
    subscriber.end();
    socket.unblock();
    await settle();
    expect(socket.sent).toEqual(["subscribed", "1"]);
    expect(socket.readyState).toBe(1);
  });

  describe("after a loss", () => {
    it("sends the notice and continues at the new position", () => {
      const source = new FakeSource();
      const { socket, subscriber } = subscribe(source);
      source.position = at(10);
      subscriber.skipTo(at(10), "lost");
      source.publish(11, subscriber);
      expect(socket.sent).toEqual(["subscribed", "lost", "11"]);
    });

    it("sends the notice of a full socket first on drain", async () => {
      const source = new FakeSource();
      const { socket, subscriber } = subscribe(source);
      socket.block();
      source.publish(1, subscriber);
      source.position = at(10);
      subscriber.skipTo(at(10), "lost");
      source.publish(11, subscriber);
      socket.unblock();
      await settle();
      expect(socket.sent).toEqual(["subscribed", "1", "lost", "11"]);
    });

    it("closes the socket with 1013 if there is no notice", () => {
      const source = new FakeSource();
      const { socket, subscriber } = subscribe(source);
      const close = vi.spyOn(socket, "close");
      subscriber.skipTo(at(10), undefined);
      expect(socket.closeCode).toBe(1013);
      expect(close.mock.calls).toEqual([[1013, "publications were lost"]]);
      expect(source.removed).toEqual([subscriber]);
    });

    it("does nothing if it has ended", () => {
      const source = new FakeSource();
      const { socket, subscriber } = subscribe(source);
      subscriber.end();
      subscriber.skipTo(at(10), undefined);
      expect(socket.closeCode).toBeUndefined();
    });

    it("skips to the last position when the broker no longer has what it needs", async () => {
      const source = new FakeSource();
      source.position = at(10);
      source.answer = async () => "missing";
      const { socket, subscriber } = subscribe(source, at(0));
      await settle();
      source.publish(11, subscriber);
      expect(socket.sent).toEqual(["subscribed", "lost missing 10", "11"]);
    });

    it("reports one loss if the feed skips during its read", async () => {
      const source = new FakeSource();
      source.position = at(10);
      let fail!: (reason: LossReason) => void;
      source.answer = () => new Promise((resolve) => (fail = resolve));
      const { socket, subscriber } = subscribe(source, at(0));
      source.position = at(20);
      subscriber.skipTo(at(20), "lost by all");
      fail("missing");
      await settle();
      expect(socket.sent).toEqual(["subscribed", "lost by all"]);
    });
  });

  describe("with presence", () => {
    it("sends the members after the backlog, and then each notice", () => {
      const source = new FakeSource();
      source.hasPresence = true;
      for (const offset of [1, 2]) source.publish(offset);
      const { socket, subscriber } = subscribe(source, at(0));
      subscriber.notify("join");
      expect(socket.sent).toEqual(["subscribed", "1", "2", "members", "join"]);
    });

    it("sends the members instead of the notices that were not sent", async () => {
      const source = new FakeSource();
      const { socket, subscriber } = subscribe(source);
      socket.block({ isFull: true });
      subscriber.notify("join");
      subscriber.notify("leave");
      source.publish(1, subscriber);
      socket.unblock();
      await settle();
      expect(socket.sent).toEqual(["subscribed", "1", "members"]);
    });

    it("sends the members instead of a notice that the socket refused", async () => {
      const source = new FakeSource();
      const { socket, subscriber } = subscribe(source);
      socket.block({ isFull: true });
      subscriber.notify("join");
      socket.unblock();
      await settle();
      expect(socket.sent).toEqual(["subscribed", "members"]);
    });

    it("sends the members once if the socket accepted the last notice", async () => {
      const source = new FakeSource();
      const { socket, subscriber } = subscribe(source);
      socket.block();
      subscriber.notify("join");
      socket.unblock();
      await settle();
      expect(socket.sent).toEqual(["subscribed", "join"]);
      subscriber.notify("leave");
      expect(socket.sent).toEqual(["subscribed", "join", "leave"]);
    });

    it("sends refused members again on drain", async () => {
      const source = new FakeSource();
      source.hasPresence = true;
      const socket = new RecordingSocket();
      socket.block();
      new Subscriber(socket, source, at(0)).start("subscribed");
      await settle();
      expect(socket.sent).toEqual(["subscribed"]);
      socket.unblock();
      await settle();
      expect(socket.sent).toEqual(["subscribed", "members"]);
    });
  });

  describe("ends", () => {
    it("once on request", () => {
      const source = new FakeSource();
      const { socket, subscriber } = subscribe(source);
      subscriber.end();
      subscriber.end();
      source.publish(1, subscriber);
      subscriber.notify("join");
      expect(source.removed).toEqual([subscriber]);
      expect(socket.sent).toEqual(["subscribed"]);
    });

    it("when its socket is done", async () => {
      const source = new FakeSource();
      const { socket, subscriber } = subscribe(source);
      socket.close();
      await settle();
      expect(source.removed).toEqual([subscriber]);
    });

    it("when its socket closes while it waits for room", async () => {
      const source = new FakeSource();
      const { socket, subscriber } = subscribe(source);
      socket.block();
      source.publish(1, subscriber);
      source.publish(2, subscriber);
      socket.close();
      await settle();
      expect(source.removed).toEqual([subscriber]);
      expect(socket.sent).toEqual(["subscribed", "1"]);
    });

    it("at the next message if its socket closes during a send", () => {
      const source = new FakeSource();
      const { socket, subscriber } = subscribe(source);
      socket.readyState = 2;
      source.publish(1, subscriber);
      expect(source.removed).toEqual([subscriber]);
    });
  });
});
