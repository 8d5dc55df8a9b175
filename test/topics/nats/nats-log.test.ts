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
import { NatsStream } from "../../../src/topics/nats/nats-stream.ts";

const SUBJECT = "tideway.log.news";
const MAX_AGE_MS = 1_000_000;

const encoder = new TextEncoder();

interface Stored {
  readonly subject: string;
  readonly text: string;
  readonly seq: number;
  readonly timeMs: number;
}

/** The response of JetStream to a publisher that was not the first. */
class WrongLastSequence extends Error {
  readonly code = 10_071;
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
  /** Called before the last message is returned. */
  onLast: () => void = () => {};
  clockReads = 0;
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
    const stream = new NatsStream(this.#connection, this.#jetStream, this.#manager, "TIDEWAY");
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
      add: async (_, config) =>
        this.#deliver(config as { deliver_subject: string; filter_subject?: string }),
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
    if (expected?.lastSubjectSequence !== last) throw new WrongLastSequence("wrong last sequence");
    const seq = this.store(text, subject);
    if (msgID !== undefined) this.ids.set(msgID, seq);
    return { seq, duplicate: false };
  }

  #find({ seq, last_by_subj }: { seq?: number; last_by_subj?: string }): NatsStoredMessage | null {
    if (seq === undefined) this.onLast();
    const found =
      seq === undefined
        ? this.stored.findLast(({ subject }) => subject === last_by_subj)
        : this.stored.find((message) => message.seq === seq);
    if (found === undefined) return null;
    return { seq: found.seq, data: encoder.encode(found.text), time: new Date(found.timeMs) };
  }

  #deliver({
    deliver_subject,
    filter_subject,
  }: {
    deliver_subject: string;
    filter_subject?: string;
  }) {
    const created = new Date(this.clockMs).toISOString();
    if (filter_subject === undefined) {
      this.clockReads++;
      return { num_pending: 0, created };
    }
    const messages = this.stored.filter(({ subject }) => subject === filter_subject);
    const callback = this.#subscriptions.get(deliver_subject);
    queueMicrotask(() => {
      for (const [index, { subject, text, seq }] of messages.entries()) {
        const pending = messages.length - index - 1;
        const reply = `$JS.ACK.TIDEWAY.c.1.${seq}.${index + 1}.0.${pending}`;
        callback?.(null, { subject, data: encoder.encode(text), reply });
      }
    });
    return { num_pending: messages.length, created };
  }
}

/** A server with a manual clock. */
function openServer(nats: FakeNats) {
  const clock = { nowMs: 100 };
  return { clock, log: nats.open(() => clock.nowMs) };
}

const payload = (data: string): string => JSON.stringify({ v: 1, id: data, text: data });

const append = (log: NatsLog, data: string) => log.append(SUBJECT, payload(data), `id-${data}`);

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
    one.log.learn(SUBJECT, { position, sequence: nats.lastSequence });
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
    log.learn(SUBJECT, { position, sequence });
    let reads = 0;
    nats.onLast = () => reads++;
    expect((await append(log, "c")).position.offset).toBe(3);
    expect(reads).toBe(0);
  });

  it("rejects with BROKER_TIMEOUT if another server is always faster", async () => {
    const nats = new FakeNats();
    const { log } = openServer(nats);
    const { position } = await append(log, "a");
    let offset = position.offset;
    nats.onPublish = async () => void nats.store(`${position.epoch}:${++offset} ${payload("x")}`);
    await expect(append(log, "b")).rejects.toMatchObject({ code: "BROKER_TIMEOUT" });
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
