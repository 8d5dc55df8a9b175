import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { BrokerError } from "tideway/topics";
import type { NatsLog } from "../../../src/topics/nats/nats-log.ts";
import type { Tail } from "../../../src/topics/nats/nats-record.ts";
import { NatsTopicWriter } from "../../../src/topics/nats/nats-topic-writer.ts";

const SUBJECT = "tideway.log.news";

const at = (offset: number): Tail => ({ sequence: 10 * offset, position: { epoch: "e", offset } });

const draftOf = (text: string) => ({ id: text, payload: text, msgID: text });

/** A message that waits for the acknowledgement of NATS. */
interface Sent {
  readonly payload: string;
  readonly anchor: Tail | undefined;
  readonly acknowledge: () => void;
  readonly refuse: (error: unknown) => void;
}

/** A log in memory. The test sends its acknowledgements. */
class FakeLog {
  readonly sent: Sent[] = [];
  readonly ids = new Map<string, number>();
  offset = 0;
  /** Called when a writer starts to follow the topic. */
  onFollow = (): void => {};
  tailReads = 0;
  /** The sequence numbers of the duplicates. The writer has read their positions. */
  readonly duplicates: number[] = [];
  /** Whether another server is faster than the next numbered message. */
  isOvertaken = false;
  onPlaced: ((tail: Tail) => void) | undefined;
  idles = 0;

  readonly log: Pick<
    NatsLog,
    | "appendNumbered"
    | "appendFollowing"
    | "tail"
    | "readTail"
    | "positionOf"
    | "positionOfDuplicate"
  > = {
    appendNumbered: async (_, { payload }) => {
      await this.#acknowledgement(payload, undefined);
      if (this.isOvertaken) return undefined;
      return { position: at(++this.offset).position, isDuplicate: false };
    },
    appendFollowing: async (_, { payload, msgID }, { anchor }) => {
      await this.#acknowledgement(payload, anchor);
      const known = this.ids.get(msgID);
      if (known !== undefined) return { seq: known, duplicate: true };
      const tail = at(++this.offset);
      this.ids.set(msgID, tail.sequence);
      this.onPlaced?.(tail);
      return { seq: tail.sequence, duplicate: false };
    },
    tail: async () => at(this.offset),
    readTail: async () => {
      this.tailReads++;
      return at(this.offset);
    },
    positionOf: async (_, sequence) => at(sequence / 10).position,
    positionOfDuplicate: async (_, sequence) => {
      this.duplicates.push(sequence);
      return at(sequence / 10).position;
    },
  };

  open(maxInFlight = 64, isReplicated = false): NatsTopicWriter {
    return new NatsTopicWriter(SUBJECT, {
      log: this.log,
      isReplicated,
      maxInFlight,
      follow: (onPlaced) => {
        this.onFollow();
        this.onPlaced = onPlaced;
        return () => (this.onPlaced = undefined);
      },
      onIdle: () => this.idles++,
    });
  }

  get payloads(): readonly string[] {
    return this.sent.map(({ payload }) => payload);
  }

  #acknowledgement(payload: string, anchor: Tail | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      this.sent.push({ payload, anchor, acknowledge: resolve, refuse: reject });
    });
  }
}

const settled = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

describe("NatsTopicWriter", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("stores one publication after the other as numbered messages, without following", async () => {
    const nats = new FakeLog();
    for (const offset of [1, 2]) {
      const storing = nats.open().append(draftOf(`${offset}`));
      nats.sent.at(-1)!.acknowledge();
      expect(await storing).toEqual({ position: at(offset).position, isDuplicate: false });
    }
    expect(nats.sent.every(({ anchor }) => anchor === undefined)).toBe(true);
    expect([nats.idles, nats.tailReads]).toEqual([2, 0]);
  });

  it("sends publications at once that arrive before the first one is stored", async () => {
    const nats = new FakeLog();
    const writer = nats.open();
    const storing = ["a", "b", "c"].map((text) => writer.append(draftOf(text)));
    await settled();
    expect(nats.payloads).toEqual(["a"]);
    nats.sent[0].acknowledge();
    await settled();
    storing.push(writer.append(draftOf("d")));
    await settled();
    expect(nats.payloads).toEqual(["a", "b", "c", "d"]);
    expect(nats.sent[1].anchor).toEqual(at(1));
    for (const { acknowledge } of nats.sent) acknowledge();
    const receipts = await Promise.all(storing);
    expect(receipts.map(({ position: { offset } }) => offset)).toEqual([1, 2, 3, 4]);
    expect(nats.tailReads).toBe(0);
  });

  it("sends at most maxInFlight publications at once, in the order of the calls", async () => {
    const nats = new FakeLog();
    const writer = nats.open(2);
    const storing = ["a", "b", "c", "d"].map((text) => writer.append(draftOf(text)));
    await settled();
    nats.sent[0].acknowledge();
    await settled();
    expect(nats.payloads).toEqual(["a", "b", "c"]);
    nats.sent[1].acknowledge();
    await settled();
    expect(nats.payloads).toEqual(["a", "b", "c", "d"]);
    // The position of "b" was delivered by then.
    expect(nats.sent[3].anchor).toEqual(at(2));
    for (const { acknowledge } of nats.sent) acknowledge();
    await Promise.all(storing);
  });

  it("sends a publication again as a following message if another server was faster", async () => {
    const nats = new FakeLog();
    const storing = nats.open().append(draftOf("a"));
    nats.isOvertaken = true;
    nats.sent[0].acknowledge();
    await settled();
    expect(nats.payloads).toEqual(["a", "a"]);
    expect(nats.tailReads).toBe(1);
    nats.sent[1].acknowledge();
    expect((await storing).position.offset).toBe(1);
  });

  it("sends only following messages in a cluster, after it has read the tail", async () => {
    const nats = new FakeLog();
    nats.offset = 3;
    const writer = nats.open(64, true);
    const storing = ["a", "b"].map((text) => writer.append(draftOf(text)));
    await settled();
    expect(nats.sent.map(({ payload, anchor }) => [payload, anchor])).toEqual([
      ["a", at(3)],
      ["b", at(3)],
    ]);
    expect(nats.tailReads).toBe(1);
    for (const { acknowledge } of nats.sent) acknowledge();
    const receipts = await Promise.all(storing);
    expect(receipts.map(({ position: { offset } }) => offset)).toEqual([4, 5]);
  });

  it("rejects the publications in a cluster if the tail cannot be read", async () => {
    const nats = new FakeLog();
    nats.log.readTail = () => Promise.reject(new Error("no tail"));
    await expect(nats.open(64, true).append(draftOf("a"))).rejects.toThrow("no tail");
    expect(nats.idles).toBe(1);
  });

  it("returns the first position for an id that is sent twice at once", async () => {
    const nats = new FakeLog();
    const writer = nats.open();
    const storing = ["a", "b", "b"].map((text) => writer.append(draftOf(text)));
    await settled();
    for (let index = 0; index < 3; index++) {
      nats.sent[index].acknowledge();
      await settled();
    }
    const [, first, second] = await Promise.all(storing);
    expect(second).toEqual({ position: first.position, isDuplicate: true });
    expect(nats.duplicates).toEqual([at(second.position.offset).sequence]);
  });

  it("rejects only the publication that NATS refuses, and continues", async () => {
    const nats = new FakeLog();
    const writer = nats.open();
    const storing = ["a", "b", "c"].map((text) => writer.append(draftOf(text)));
    await settled();
    nats.sent[0].refuse(new Error("refused a"));
    await expect(storing[0]).rejects.toThrow("refused a");
    await settled();
    // The tail is read, because it is unknown whether "a" was stored.
    expect(nats.tailReads).toBe(1);
    nats.sent[1].refuse(new Error("refused b"));
    nats.sent[2].acknowledge();
    await expect(storing[1]).rejects.toThrow("refused b");
    expect((await storing[2]).position.offset).toBe(1);
  });

  it("rejects all waiting publications if the tail cannot be read", async () => {
    const nats = new FakeLog();
    const writer = nats.open();
    const storing = ["a", "b", "c"].map((text) => writer.append(draftOf(text)));
    nats.log.readTail = () => Promise.reject(new Error("no tail"));
    nats.sent[0].refuse(new Error("refused a"));
    const results = await Promise.allSettled(storing);
    expect(results.map((result) => String((result as PromiseRejectedResult).reason))).toEqual([
      "Error: refused a",
      "Error: no tail",
      "Error: no tail",
    ]);
    expect(nats.idles).toBe(1);
  });

  it("rejects all waiting publications if the connection cannot follow the topic", async () => {
    const nats = new FakeLog();
    const writer = nats.open();
    const storing = ["a", "b", "c"].map((text) => writer.append(draftOf(text)));
    nats.onFollow = () => {
      throw new Error("connection draining");
    };
    nats.sent[0].acknowledge();
    expect((await storing[0]).position.offset).toBe(1);
    await expect(storing[1]).rejects.toThrow("connection draining");
    await expect(storing[2]).rejects.toThrow("connection draining");
    expect(nats.idles).toBe(1);
  });

  it("stops following 100 ms after the last publication", async () => {
    const nats = new FakeLog();
    const writer = nats.open();
    const storing = ["a", "b"].map((text) => writer.append(draftOf(text)));
    nats.sent[0].acknowledge();
    await settled();
    nats.sent[1].acknowledge();
    await Promise.all(storing);
    await vi.advanceTimersByTimeAsync(99);
    expect(nats.onPlaced).toBeDefined();
    const last = writer.append(draftOf("c"));
    await vi.advanceTimersByTimeAsync(1_000);
    nats.sent[2].acknowledge();
    await last;
    await vi.advanceTimersByTimeAsync(99);
    expect([nats.onPlaced === undefined, nats.idles]).toEqual([false, 0]);
    await vi.advanceTimersByTimeAsync(1);
    expect([nats.onPlaced === undefined, nats.idles]).toEqual([true, 1]);
  });

  it("rejects publications that are not in flight when it is closed", async () => {
    const nats = new FakeLog();
    const writer = nats.open();
    const storing = ["a", "b"].map((text) => writer.append(draftOf(text)));
    writer.close(new BrokerError("BROKER_CLOSED", "closed"));
    await expect(storing[1]).rejects.toThrow("closed");
    nats.sent[0].acknowledge();
    expect((await storing[0]).position.offset).toBe(1);
  });
});
