import { describe, expect, it } from "vitest";
import type {
  NatsConnection,
  NatsJetStream,
  NatsManager,
  NatsMessage,
  NatsPublishAck,
  NatsPublishOptions,
  NatsStoredMessage,
} from "../../../src/topics/nats/nats-client.ts";
import { NatsLog } from "../../../src/topics/nats/nats-log.ts";
import type { Tail } from "../../../src/topics/nats/nats-record.ts";
import { NatsStream } from "../../../src/topics/nats/nats-stream.ts";

const SUBJECT = "tideway.log.news";
const MAX_AGE_MS = 1_000_000;
/** The maximum number of last messages that a NatsLog remembers. */
const MAX_TAILS = 10_000;

const SETTINGS = {
  name: "TIDEWAY",
  subject: "tideway.log.*",
  republishTo: "tideway.live.{{wildcard(1)}}",
  messagesPerSubject: 100,
  maxAgeMs: MAX_AGE_MS,
  maxBytes: Infinity,
  idWindowMs: 1_000,
  replicas: 1,
};

const encoder = new TextEncoder();

interface Stored {
  readonly subject: string;
  readonly text: string;
  readonly seq: number;
  readonly timeMs: number;
}

interface ConsumerConfig {
  readonly deliver_subject: string;
  readonly filter_subject?: string;
  readonly opt_start_seq?: number;
}

interface MessageQuery {
  readonly seq?: number;
  readonly last_by_subj?: string;
  readonly next_by_subj?: string;
}

/** The response of JetStream to a publisher that was not the first. */
class WrongLastSequence extends Error {
  readonly code = 10_071;
  readonly status = 400;
}

/** The response of a cluster while it stores another message on the subject. */
class WriteInProgress extends Error {
  readonly code = 10_164;
  readonly status = 400;
}

/** One stream of an in-memory NATS server, with the used parts of the client. */
class FakeNats {
  stored: Stored[] = [];
  readonly ids = new Map<string, number>();
  /** The clock of NATS, independent of the clock of the process. */
  clockMs = 5_000_000_000;
  lastSequence = 0;
  /** Called before each publication is stored. */
  onPublish: () => Promise<void> = async () => {};
  /** Called with the messages of a read. Returns the messages to deliver. */
  onDeliver: (messages: readonly Stored[]) => readonly Stored[] = (messages) => messages;
  /** Whether the message at an index of a read is lost because the connection breaks. */
  isLost: (index: number) => boolean = () => false;
  /** Whether the server that reads the stream stores a message only after a consumer is created. */
  isBehind: (message: Stored) => boolean = () => false;
  /** Called before the last message is returned. */
  onLast: () => void = () => {};
  clockReads = 0;
  /** The number of messages that were sent to readers. */
  deliveries = 0;
  /** Whether NATS sends each message of a read in another turn of the event loop. */
  isSlow = false;
  readonly #subscriptions = new Map<string, (error: Error | null, message: NatsMessage) => void>();

  /** Stores a message as any program can. */
  store(text: string, subject: string = SUBJECT): number {
    const seq = ++this.lastSequence;
    this.stored.push({ subject, text, seq, timeMs: this.clockMs });
    return seq;
  }

  get texts(): readonly string[] {
    return this.stored.map(({ text }) => text);
  }

  open(nowMs: () => number): NatsLog {
    const stream = new NatsStream(this.#connection, this.#jetStream, this.#manager, SETTINGS);
    return new NatsLog(stream, { maxAgeMs: MAX_AGE_MS, nowMs });
  }

  readonly #connection: NatsConnection = {
    subscribe: (subject, { callback }) => {
      this.#subscriptions.set(subject, callback);
      return { unsubscribe: () => void this.#subscriptions.delete(subject) };
    },
    publish() {},
    flush: async () => {},
    async *status() {},
  };

  readonly #manager: NatsManager = {
    streams: {
      info: () => Promise.reject(new Error("not used")),
      add: () => Promise.reject(new Error("not used")),
      getMessage: async (_, query) => this.#find(query),
    },
    consumers: {
      add: async (_, config) => this.#deliver(config as ConsumerConfig),
    },
  };

  readonly #jetStream: NatsJetStream = {
    jetstreamManager: async () => this.#manager,
    publish: async (subject, text, options) => {
      await this.onPublish();
      return this.#publish(subject, text, options);
    },
  };

  #publish(
    subject: string,
    text: string,
    { msgID, expect: expected }: NatsPublishOptions,
  ): NatsPublishAck {
    const known = msgID === undefined ? undefined : this.ids.get(msgID);
    if (known !== undefined) return { seq: known, duplicate: true };
    const last = this.stored.findLast((message) => message.subject === subject)?.seq ?? 0;
    if ((expected?.lastSubjectSequence ?? last) !== last)
      throw new WrongLastSequence("wrong last sequence");
    const seq = this.store(text, subject);
    if (msgID !== undefined) this.ids.set(msgID, seq);
    return { seq, duplicate: false };
  }

  #find({ seq = 0, last_by_subj, next_by_subj }: MessageQuery): NatsStoredMessage | null {
    if (last_by_subj !== undefined) this.onLast();
    const found =
      last_by_subj !== undefined
        ? this.stored.findLast(({ subject }) => subject === last_by_subj)
        : this.stored.find((message) =>
            next_by_subj === undefined
              ? message.seq === seq
              : message.subject === next_by_subj && message.seq >= seq,
          );
    if (found === undefined) return null;
    return { seq: found.seq, data: encoder.encode(found.text), time: new Date(found.timeMs) };
  }

  #deliver({ deliver_subject, filter_subject, opt_start_seq = 0 }: ConsumerConfig) {
    const created = new Date(this.clockMs).toISOString();
    if (filter_subject === undefined) {
      this.clockReads++;
      return { num_pending: 0, created };
    }
    const messages = this.stored.filter(
      ({ subject, seq }) => subject === filter_subject && seq >= opt_start_seq,
    );
    queueMicrotask(() => {
      const delivered = this.onDeliver(messages);
      const count = delivered.filter((message) => !this.isBehind(message)).length;
      const send = (index: number): void => {
        const callback = this.#subscriptions.get(deliver_subject);
        if (callback === undefined) return;
        this.deliveries++;
        const { subject, text, seq } = delivered[index];
        const pending = Math.max(0, count - index - 1);
        const reply = `$JS.ACK.TIDEWAY.c.1.${seq}.${index + 1}.0.${pending}`;
        if (!this.isLost(index)) callback(null, { subject, data: encoder.encode(text), reply });
      };
      for (const index of delivered.keys()) {
        if (index < count && !this.isSlow) send(index);
        else setImmediate(send, index);
      }
    });
    return { num_pending: messages.filter((message) => !this.isBehind(message)).length, created };
  }
}

/** A server with a manual clock. */
function openServer(nats: FakeNats) {
  const clock = { nowMs: 100 };
  return { clock, log: nats.open(() => clock.nowMs) };
}

const range = (first: number, last: number): readonly number[] =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);

const payload = (data: string): string => JSON.stringify({ v: 1, id: data, text: data });

const draftOf = (data: string) => ({ id: data, payload: payload(data), msgID: `id-${data}` });

async function append(log: NatsLog, data: string) {
  for (;;) {
    const receipt = await log.appendNumbered(SUBJECT, draftOf(data));
    if (receipt !== undefined) return receipt;
    await log.readTail(SUBJECT);
  }
}

/** Stores a publication as a following message. */
const follow = (log: NatsLog, data: string, anchor: Tail) =>
  log.appendFollowing(SUBJECT, draftOf(data), { anchor, tag: "tag" });

async function read(log: NatsLog, since?: { epoch: string; offset: number }, limit = 100) {
  const query = since === undefined ? { limit } : { since, limit };
  const { position, publications } = await log.readPage(SUBJECT, query);
  return {
    position,
    offsets: publications.map(({ position: { offset } }) => offset),
    data: publications.map(({ data }) => data),
  };
}

describe("append of a NatsLog", () => {
  it("starts a topic with a mark at offset 0 and counts from 1 in one epoch", async () => {
    const nats = new FakeNats();
    const { log } = openServer(nats);
    const first = await append(log, "a");
    const second = await append(log, "b");
    const { epoch } = first.position;
    expect(first).toEqual({ position: { epoch, offset: 1 }, isDuplicate: false });
    expect(second.position).toEqual({ epoch, offset: 2 });
    expect(nats.texts).toEqual([
      `${epoch}:0 `,
      `${epoch}:1 ${payload("a")}`,
      `${epoch}:2 ${payload("b")}`,
    ]);
  });

  it("resolves with the first position for a stored id and stores nothing", async () => {
    const nats = new FakeNats();
    const { log } = openServer(nats);
    const { position } = await append(log, "a");
    await append(log, "b");
    expect(await append(log, "a")).toEqual({ position, isDuplicate: true });
    expect(nats.stored.length).toBe(3);
  });

  it("rejects with BROKER_REFUSED for an id if its publication is no longer stored", async () => {
    const nats = new FakeNats();
    const { log } = openServer(nats);
    await append(log, "a");
    await append(log, "b");
    nats.stored = nats.stored.filter(({ text }) => !text.includes('"a"'));
    await expect(append(log, "a")).rejects.toMatchObject({ code: "BROKER_REFUSED" });
  });

  it("continues without a gap after publications of another server", async () => {
    const nats = new FakeNats();
    const [one, other] = [openServer(nats), openServer(nats)];
    await append(one.log, "a");
    await append(other.log, "b");
    const { position } = await append(one.log, "c");
    expect(position.offset).toBe(3);
    expect((await read(other.log)).data).toEqual(["a", "b", "c"]);
  });

  it("needs no read of the last message if a delivery has shown it", async () => {
    const nats = new FakeNats();
    const [one, other] = [openServer(nats), openServer(nats)];
    await append(one.log, "a");
    const { position } = await append(other.log, "b");
    one.log.learn(SUBJECT, { position, sequence: nats.lastSequence }, "b");
    let reads = 0;
    nats.onLast = () => reads++;
    await append(one.log, "c");
    expect(reads).toBe(0);
  });

  it("ignores a delivery older than the known last message", async () => {
    const nats = new FakeNats();
    const { log } = openServer(nats);
    const { position } = await append(log, "a");
    const sequence = nats.lastSequence;
    await append(log, "b");
    log.learn(SUBJECT, { position, sequence }, "a");
    let reads = 0;
    nats.onLast = () => reads++;
    expect((await append(log, "c")).position.offset).toBe(3);
    expect(reads).toBe(0);
  });

  it("remembers the last messages of the topics that were used last", async () => {
    const nats = new FakeNats();
    const { log } = openServer(nats);
    const { position } = await append(log, "a");
    const sequence = nats.lastSequence;
    const learn = (subject: string): void => log.learn(subject, { position, sequence }, "a");
    for (let count = 1; count < MAX_TAILS; count++) learn(`other ${count}`);
    learn(SUBJECT);
    learn("one more");
    let reads = 0;
    nats.onLast = () => reads++;
    await append(log, "b");
    expect(reads).toBe(0);
    for (let count = 1; count < MAX_TAILS; count++) learn(`again ${count}`);
    learn("too many");
    await append(log, "c");
    expect(reads).toBe(1);
  });

  it("resolves with undefined and stores nothing if another server is faster", async () => {
    const nats = new FakeNats();
    const { log } = openServer(nats);
    const { position } = await append(log, "a");
    nats.onPublish = async () => void nats.store(`${position.epoch}:2 ${payload("x")}`);
    expect(await log.appendNumbered(SUBJECT, draftOf("b"))).toBeUndefined();
    expect(nats.texts.at(-1)).toBe(`${position.epoch}:2 ${payload("x")}`);
  });

  it("tries again to start a topic while a cluster stores a message of another server", async () => {
    const nats = new FakeNats();
    const { log } = openServer(nats);
    let attempts = 0;
    nats.onPublish = async () => {
      if (++attempts <= 5) throw new WriteInProgress("wrong last sequence");
    };
    expect((await log.readTail(SUBJECT)).position.offset).toBe(0);
    expect(attempts).toBe(6);
  });

  it("rejects as unavailable while a cluster of NATS 2.10 still stores the same id", async () => {
    const nats = new FakeNats();
    const { log } = openServer(nats);
    const anchor = await log.readTail(SUBJECT);
    nats.ids.set("id-a", 0);
    const error = { code: "BROKER_UNAVAILABLE", isRetryable: true };
    await expect(follow(log, "a", anchor)).rejects.toMatchObject(error);
  });

  it("rejects with the error of the client if NATS cannot store", async () => {
    const nats = new FakeNats();
    const { log } = openServer(nats);
    nats.onPublish = () => Promise.reject(new Error("no responders"));
    await expect(append(log, "a")).rejects.toThrow("no responders");
  });

  it("begins another epoch when all offsets are used", async () => {
    const nats = new FakeNats();
    const { log } = openServer(nats);
    nats.store(`old:${Number.MAX_SAFE_INTEGER} ${payload("last")}`);
    const { position } = await append(log, "a");
    expect(position.offset).toBe(1);
    expect(position.epoch).not.toBe("old");
  });
});

describe("a NatsLog that is read", () => {
  it("returns the latest publications, or the publications after a position", async () => {
    const nats = new FakeNats();
    const { log } = openServer(nats);
    for (const data of ["a", "b", "c", "d"]) await append(log, data);
    const { position, offsets } = await read(log, undefined, 2);
    expect(position.offset).toBe(4);
    expect(offsets).toEqual([3, 4]);
    expect((await read(log, { ...position, offset: 1 }, 2)).offsets).toEqual([2, 3]);
    expect((await read(log, position)).offsets).toEqual([]);
    expect((await read(log, undefined, 0)).offsets).toEqual([]);
  });

  it("reads from the last message that it knows up to the position, and only the page", async () => {
    const nats = new FakeNats();
    const server = openServer(nats);
    const { epoch } = (await append(server.log, "1")).position;
    for (let offset = 2; offset <= 100; offset++) await append(server.log, `${offset}`);
    nats.isSlow = true;
    server.log.learn(SUBJECT, { position: { epoch, offset: 90 }, sequence: 91 }, "90");
    expect((await read(server.log, { epoch, offset: 92 })).offsets).toEqual(range(93, 100));
    // From 90 to 100.
    expect(nats.deliveries).toBe(11);

    nats.deliveries = 0;
    server.log.learn(SUBJECT, { position: { epoch, offset: 10 }, sequence: 11 }, "10");
    for (let offset = 10; offset < 100; offset += 30) {
      const page = await read(server.log, { epoch, offset }, 30);
      expect(page.offsets).toEqual(range(offset + 1, offset + 30));
    }
    // Each page begins with the last message of the page before.
    expect(nats.deliveries).toBe(3 * 31);
  });

  it("reads from the last message that it received before a reconnect", async () => {
    const nats = new FakeNats();
    const [one, other] = [openServer(nats), openServer(nats)];
    for (const data of ["a", "b", "c"]) await append(one.log, data);
    const { position } = await one.log.readTail(SUBJECT);
    one.log.suspectLoss();
    await append(other.log, "d");
    expect((await read(one.log, position)).data).toEqual(["d"]);
    expect(nats.deliveries).toBe(2);
  });

  it("reads the whole history if the message that it knows was removed", async () => {
    const nats = new FakeNats();
    const { log } = openServer(nats);
    for (const data of ["a", "b", "c", "d"]) await append(log, data);
    const { position } = await log.readTail(SUBJECT);
    const since = { ...position, offset: 1 };
    log.learn(SUBJECT, { position: since, sequence: 2 }, "a");
    nats.stored.splice(0, 3);
    expect((await read(log, since)).offsets).toEqual([3, 4]);
  });

  it("omits messages stored after the last message that it has read", async () => {
    const nats = new FakeNats();
    const { log } = openServer(nats);
    const { position } = await append(log, "a");
    nats.onLast = () => {
      nats.onLast = () => {};
      queueMicrotask(() => nats.store(`${position.epoch}:2 ${payload("late")}`));
    };
    expect((await read(log)).data).toEqual(["a"]);
  });

  it.each([[1], [2], [4]])(
    "waits for messages that the reading server of a cluster stores late, from sequence %i",
    async (sequence) => {
      const nats = new FakeNats();
      const { log } = openServer(nats);
      for (const data of ["a", "b", "c"]) await append(log, data);
      nats.isBehind = ({ seq }) => seq >= sequence;
      expect((await read(log)).data).toEqual(["a", "b", "c"]);
      const { position } = await read(log, undefined, 0);
      expect((await read(log, { ...position, offset: 2 })).data).toEqual(["c"]);
    },
  );

  it("skips unreadable payloads and leaves gaps in the offsets", async () => {
    const nats = new FakeNats();
    const { log } = openServer(nats);
    const { position } = await append(log, "a");
    nats.store(`${position.epoch}:2 {"v":2}`);
    nats.store(`${position.epoch}:3 ${payload("c")}`);
    expect((await read(log)).offsets).toEqual([1, 3]);
  });

  it("counts a message without a position as one offset", async () => {
    const nats = new FakeNats();
    const { log } = openServer(nats);
    const { position } = await append(log, "a");
    nats.store("from another program");
    expect((await read(log)).position).toEqual({ ...position, offset: 2 });
    expect((await append(log, "c")).position).toEqual({ ...position, offset: 3 });
  });

  it("starts a topic that has only a message without a position", async () => {
    const nats = new FakeNats();
    const { log } = openServer(nats);
    nats.store("from another program");
    expect((await read(log)).position.offset).toBe(1);
  });

  it("returns nothing from before the topic started again", async () => {
    const nats = new FakeNats();
    const { log } = openServer(nats);
    nats.store(`old:7 ${payload("x")}`);
    nats.store(`new:0 `);
    nats.store(`new:1 ${payload("y")}`);
    expect(await read(log)).toMatchObject({ offsets: [1], data: ["y"] });
  });

  it("continues the rest of the previous epoch in the current one", async () => {
    const nats = new FakeNats();
    const { log } = openServer(nats);
    nats.store(`old:1 ${payload("x")}`);
    nats.store(`new:1 `);
    const { publications } = await log.readPage(SUBJECT, { limit: 10 });
    expect(publications).toMatchObject([{ position: { epoch: "new", offset: 1 }, data: "x" }]);
  });
});

describe("a NatsLog with following messages", () => {
  it("counts them from the message that their writer knew", async () => {
    const nats = new FakeNats();
    const { log } = openServer(nats);
    await append(log, "a");
    const anchor = await log.readTail(SUBJECT);
    for (const data of ["b", "c", "d"]) await follow(log, data, anchor);
    const later = openServer(nats).log;
    const { epoch } = anchor.position;
    expect(await later.readTail(SUBJECT)).toEqual({ position: { epoch, offset: 4 }, sequence: 5 });
    expect(await read(openServer(nats).log)).toEqual({
      position: { epoch, offset: 4 },
      offsets: [1, 2, 3, 4],
      data: ["a", "b", "c", "d"],
    });
    expect((await append(openServer(nats).log, "e")).position).toEqual({ epoch, offset: 5 });
    expect((await read(log)).data).toEqual(["a", "b", "c", "d", "e"]);
  });

  it("counts messages of several writers, of other programs and marks between them", async () => {
    const nats = new FakeNats();
    const { log } = openServer(nats);
    await append(log, "a");
    const anchor = await log.readTail(SUBJECT);
    const { epoch } = anchor.position;
    await follow(log, "b", anchor);
    nats.store("from another program");
    nats.store("elsewhere", "tideway.log.other");
    await follow(log, "c", anchor);
    nats.store(`${epoch}:4 `);
    await follow(log, "d", anchor);
    expect(await read(openServer(nats).log)).toMatchObject({
      position: { epoch, offset: 5 },
      offsets: [1, 2, 4, 5],
      data: ["a", "b", "c", "d"],
    });
  });

  it("reads the same pages from a message that it knows as from the start", async () => {
    const nats = new FakeNats();
    const { log } = openServer(nats);
    await append(log, "1");
    const anchor = await log.readTail(SUBJECT);
    const { epoch } = anchor.position;
    const known: Tail[] = [anchor];
    const know = async (): Promise<void> => void known.push(await log.readTail(SUBJECT));
    for (const data of ["2", "3"]) await follow(log, data, anchor);
    await know();
    nats.store("elsewhere", "tideway.log.other");
    nats.store("from another program");
    await follow(log, "5", anchor);
    nats.store(`${epoch}:5 `);
    await know();
    await append(log, "6");
    for (const data of ["7", "8"]) await follow(log, data, anchor);
    for (const { position, sequence } of known) {
      for (let offset = position.offset; offset <= 8; offset++) {
        for (const limit of [1, 2, 3, 100]) {
          const { log: fresh } = openServer(nats);
          const { log: knowing } = openServer(nats);
          knowing.learn(SUBJECT, { position, sequence }, undefined);
          const since = { epoch, offset };
          expect(await read(knowing, since, limit)).toEqual(await read(fresh, since, limit));
        }
      }
    }
  });

  it("finds the positions although NATS has dropped the first messages", async () => {
    const nats = new FakeNats();
    const { log } = openServer(nats);
    await append(log, "a");
    let anchor = await log.readTail(SUBJECT);
    const { epoch } = anchor.position;
    for (const data of ["b", "c", "d", "e"]) {
      await follow(log, data, anchor);
      if (data === "c") anchor = { position: { epoch, offset: 2 }, sequence: 3 };
    }
    nats.stored.splice(0, 2);
    expect(await read(openServer(nats).log)).toMatchObject({
      position: { epoch, offset: 5 },
      offsets: [2, 3, 4, 5],
    });
    expect(await openServer(nats).log.positionOf(SUBJECT, 4)).toEqual({ epoch, offset: 3 });
  });

  it("begins another epoch if no remaining message shows a position", async () => {
    const nats = new FakeNats();
    const { log } = openServer(nats);
    await append(log, "a");
    const anchor = await log.readTail(SUBJECT);
    for (const data of ["b", "c"]) await follow(log, data, anchor);
    nats.stored.splice(0, 2);
    const { position, offsets } = await read(openServer(nats).log);
    expect(offsets).toEqual([1, 2]);
    expect(position.epoch).not.toBe(anchor.position.epoch);
    expect(await read(log)).toMatchObject({ position, offsets });
  });

  it.each([[[0]], [[0, 1]], [[2]], [[2, 3]], [[0, 3]]])(
    "rejects with BROKER_UNAVAILABLE if the connection breaks and loses the messages %j",
    async (lost) => {
      const nats = new FakeNats();
      const { log } = openServer(nats);
      for (const data of ["a", "b", "c", "d", "e"]) await append(log, data);
      nats.isLost = (index) => lost.includes(index);
      const error: unknown = await read(openServer(nats).log).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: "BROKER_UNAVAILABLE", isRetryable: true });
      nats.isLost = () => false;
      expect((await read(log)).data).toEqual(["a", "b", "c", "d", "e"]);
    },
  );

  it("leaves out what NATS drops during a read, because messages between may be missing", async () => {
    const nats = new FakeNats();
    const { log } = openServer(nats);
    await append(log, "a");
    const anchor = await log.readTail(SUBJECT);
    const { epoch } = anchor.position;
    for (const data of ["b", "c", "d"]) await follow(log, data, anchor);
    const reader = openServer(nats).log;
    await reader.readTail(SUBJECT);
    nats.onDeliver = (messages) => {
      // The consumer has delivered the first message when the next two are dropped.
      nats.stored = nats.stored.filter(({ seq }) => seq > 4);
      return messages.filter(({ seq }) => seq <= 2 || seq > 4);
    };
    expect(await read(reader)).toMatchObject({ position: { epoch, offset: 4 }, offsets: [4] });
  });

  it("tells the position of a stored id", async () => {
    const nats = new FakeNats();
    const { log } = openServer(nats);
    await append(log, "a");
    const anchor = await log.readTail(SUBJECT);
    await follow(log, "b", anchor);
    await follow(log, "c", anchor);
    const { log: other } = openServer(nats);
    const { epoch } = anchor.position;
    const receipt = { position: { epoch, offset: 2 }, isDuplicate: true };
    expect(await append(other, "b")).toEqual(receipt);
    expect(await Promise.all(["b", "b"].map((data) => append(other, data)))).toEqual([
      receipt,
      receipt,
    ]);
  });

  it("begins another epoch if the writer knew a message that NATS has lost", async () => {
    const nats = new FakeNats();
    const { log } = openServer(nats);
    await append(log, "a");
    await append(log, "b");
    const lost = await log.readTail(SUBJECT);
    nats.stored.pop();
    nats.lastSequence--;
    await follow(log, "c", lost);
    const position = { epoch: `tag-${lost.sequence}`, offset: 2 };
    const one = await read(openServer(nats).log);
    expect(one).toEqual({ position, offsets: [1, 2], data: ["a", "c"] });
    expect(await read(openServer(nats).log)).toEqual(one);
  });

  it("begins another epoch if only the reader knew a message that NATS has lost", async () => {
    const nats = new FakeNats();
    const { log } = openServer(nats);
    await append(log, "a");
    const anchor = await log.readTail(SUBJECT);
    await append(log, "b");
    await append(log, "c");
    nats.stored.splice(-2);
    await follow(openServer(nats).log, "d", anchor);
    const { position, data } = await read(log);
    expect(data).toEqual(["a", "d"]);
    expect(position.epoch).not.toBe(anchor.position.epoch);
  });
});

describe("a NatsLog that has lost data in NATS", () => {
  it("begins another epoch at the same offset if the last message is before the known one", async () => {
    const nats = new FakeNats();
    const { log } = openServer(nats);
    const { position } = await append(log, "a");
    await append(log, "b");
    nats.stored.pop();
    const { position: now } = await read(log);
    expect(now.offset).toBe(1);
    expect(now.epoch).not.toBe(position.epoch);
    expect((await append(log, "c")).position).toEqual({ ...now, offset: 2 });
  });

  it.each(["numbered", "following"] as const)(
    "begins another epoch if it knew the lost message, a %s one, only as a duplicate",
    async (kind) => {
      const nats = new FakeNats();
      const { log } = openServer(nats);
      const { position } = await append(log, "a");
      const { log: other } = openServer(nats);
      if (kind === "numbered") await append(other, "b");
      else await follow(other, "b", await other.readTail(SUBJECT));
      const receipt = { position: { ...position, offset: 2 }, isDuplicate: true };
      expect(await append(log, "b")).toEqual(receipt);
      nats.stored.pop();
      nats.lastSequence--;
      expect((await append(log, "c")).position.epoch).not.toBe(position.epoch);
    },
  );

  it("begins another epoch if messages are lost after one without a position", async () => {
    const nats = new FakeNats();
    const { log } = openServer(nats);
    const { position } = await append(log, "a");
    await append(log, "b");
    nats.stored.pop();
    nats.store("from another program");
    expect((await read(log)).position.epoch).not.toBe(position.epoch);
  });

  it("begins another epoch for a topic without remaining messages", async () => {
    const nats = new FakeNats();
    const { log } = openServer(nats);
    const { position } = await append(log, "a");
    nats.stored = [];
    const { position: now } = await read(log);
    expect(now.offset).toBe(0);
    expect(now.epoch).not.toBe(position.epoch);
  });
});

describe("a NatsLog that NATS may have lost data of", () => {
  /** NATS loses the last messages, and another server that has started since stores others in their place. */
  async function replace(nats: FakeNats, count: number, ...data: readonly string[]) {
    nats.stored.splice(-count);
    nats.lastSequence -= count;
    for (const id of data.slice(0, count)) nats.ids.delete(`id-${id}`);
    const other = openServer(nats).log;
    for (const id of data) await append(other, id);
    return other;
  }

  async function start() {
    const nats = new FakeNats();
    const { log } = openServer(nats);
    const { position } = await append(log, "a");
    await append(log, "b");
    await append(log, "c");
    return { nats, log, epoch: position.epoch };
  }

  it.each([[["x", "y"]], [["x", "y", "z"]]])(
    "begins another epoch after a reconnect if other servers have stored %j in its place",
    async (data) => {
      const { nats, log, epoch } = await start();
      const other = await replace(nats, 2, ...data);
      log.suspectLoss();
      const page = await read(log);
      expect(page.position.epoch).not.toBe(epoch);
      expect(page.data).toEqual(["a", ...data]);
      expect(await read(other)).toEqual(page);
      expect((await read(log)).position).toEqual(page.position);
    },
  );

  it("begins another epoch although it has received later messages before it reads", async () => {
    const { nats, log, epoch } = await start();
    const other = await replace(nats, 2, "x", "y");
    log.suspectLoss();
    const tail = await other.readTail(SUBJECT);
    log.learn(SUBJECT, tail, "y");
    log.suspectLoss();
    expect((await read(log)).position.epoch).not.toBe(epoch);
  });

  it("begins another epoch if it has lost what it received after an earlier reconnect", async () => {
    const { nats, log, epoch } = await start();
    log.suspectLoss();
    await append(openServer(nats).log, "d");
    log.learn(SUBJECT, { position: { epoch, offset: 4 }, sequence: nats.lastSequence }, "d");
    nats.stored.pop();
    nats.lastSequence--;
    log.suspectLoss();
    expect((await read(log)).position).toMatchObject({ offset: 3 });
    expect((await read(log)).position.epoch).not.toBe(epoch);
  });

  it("begins another epoch before it stores a publication", async () => {
    const { nats, log, epoch } = await start();
    await replace(nats, 2, "x", "y");
    log.suspectLoss();
    expect((await append(log, "d")).position.epoch).not.toBe(epoch);
  });

  it("begins another epoch if the last message cannot be read", async () => {
    const { nats, log, epoch } = await start();
    await replace(nats, 2, "x", "y");
    nats.store("from another program");
    log.suspectLoss();
    expect((await read(log)).position.epoch).not.toBe(epoch);
  });

  it("begins only one epoch if another server has noticed the loss first", async () => {
    const { nats, log } = await start();
    const second = openServer(nats).log;
    await second.readTail(SUBJECT);
    await replace(nats, 2, "x", "y");
    for (const server of [log, second]) server.suspectLoss();
    const { position } = await read(second);
    expect((await read(log)).position).toEqual(position);
  });

  it("continues if nothing was lost, and if retention has removed what it knew", async () => {
    const { nats, log, epoch } = await start();
    log.suspectLoss();
    expect((await read(log)).position).toEqual({ epoch, offset: 3 });
    log.suspectLoss();
    const other = openServer(nats).log;
    for (const data of ["d", "e"]) await append(other, data);
    expect((await read(log)).position).toEqual({ epoch, offset: 5 });
    log.suspectLoss();
    await append(other, "f");
    nats.stored.splice(0, nats.stored.length - 1);
    expect((await append(log, "g")).position).toEqual({ epoch, offset: 7 });
  });

  it("compares marks without an id", async () => {
    const nats = new FakeNats();
    const { log } = openServer(nats);
    const { position } = await log.readTail(SUBJECT);
    log.suspectLoss();
    expect((await read(log)).position).toEqual(position);
    log.suspectLoss();
    expect((await append(log, "a")).position).toEqual({ ...position, offset: 1 });
  });

  it("uses no position of a message that was replaced", async () => {
    const { nats, log } = await start();
    const lost = await log.readTail(SUBJECT);
    log.learn(SUBJECT, lost, "c");
    nats.stored = [];
    nats.lastSequence = 0;
    nats.ids.clear();
    const other = openServer(nats).log;
    for (const data of ["x", "y", "z"]) await append(other, data);
    log.suspectLoss();
    const { position } = await other.readTail(SUBJECT);
    expect(await log.positionOf(SUBJECT, lost.sequence)).toEqual(position);
  });
});

describe("a NatsLog with a retention", () => {
  /** Advances both clocks. */
  function pass(nats: FakeNats, { clock }: { clock: { nowMs: number } }, ms: number): void {
    clock.nowMs += ms;
    nats.clockMs += ms;
  }

  it("stores a mark for a quiet topic in use before NATS removes its last message", async () => {
    const nats = new FakeNats();
    const server = openServer(nats);
    const { position } = await append(server.log, "a");
    for (let check = 0; check < 40; check++) {
      pass(nats, server, MAX_AGE_MS / 10);
      nats.stored = nats.stored.filter(({ timeMs }) => nats.clockMs - timeMs < MAX_AGE_MS);
      expect((await read(server.log)).position).toEqual(position);
    }
    expect(nats.lastSequence).toBeLessThan(12);
    expect((await append(server.log, "b")).position).toEqual({ ...position, offset: 2 });
  });

  it("stores no mark while the last message is young", async () => {
    const nats = new FakeNats();
    const server = openServer(nats);
    await append(server.log, "a");
    pass(nats, server, MAX_AGE_MS / 2);
    await read(server.log);
    expect(nats.lastSequence).toBe(2);
    pass(nats, server, 1);
    await read(server.log);
    expect(nats.lastSequence).toBe(3);
    expect(nats.clockReads).toBe(0);
  });

  it("asks NATS for the age of a message that it has not seen before", async () => {
    const nats = new FakeNats();
    await append(openServer(nats).log, "a");
    const young = openServer(nats);
    nats.clockMs += MAX_AGE_MS / 2;
    await read(young.log);
    expect(nats.clockReads).toBe(1);
    expect(nats.lastSequence).toBe(2);
    nats.clockMs += 1;
    await read(openServer(nats).log);
    expect(nats.lastSequence).toBe(3);
  });

  it("uses the local clock for the age of a message that followed a known one", async () => {
    const nats = new FakeNats();
    const [one, other] = [openServer(nats), openServer(nats)];
    await append(one.log, "a");
    await append(other.log, "b");
    one.clock.nowMs += MAX_AGE_MS / 2;
    await read(one.log);
    expect(nats.clockReads).toBe(1);
    expect(nats.lastSequence).toBe(3);
  });

  it("asks NATS for the age if the known message is too old", async () => {
    const nats = new FakeNats();
    const [one, other] = [openServer(nats), openServer(nats)];
    await append(one.log, "a");
    await append(other.log, "b");
    one.clock.nowMs += MAX_AGE_MS / 2 + 1;
    await read(one.log);
    expect(nats.clockReads).toBe(2);
    expect(nats.lastSequence).toBe(3);
  });

  it("treats a NATS clock that goes back as an age of 0", async () => {
    const nats = new FakeNats();
    await append(openServer(nats).log, "a");
    nats.clockMs -= 10 * MAX_AGE_MS;
    await read(openServer(nats).log);
    expect(nats.lastSequence).toBe(2);
  });

  it("stores no mark after the mark of another server", async () => {
    const nats = new FakeNats();
    const server = openServer(nats);
    const { position } = await append(server.log, "a");
    pass(nats, server, MAX_AGE_MS);
    nats.onPublish = async () => {
      nats.onPublish = async () => {};
      nats.store(`${position.epoch}:1 `);
    };
    expect((await read(server.log)).position).toEqual(position);
    expect(nats.lastSequence).toBe(3);
  });
});
