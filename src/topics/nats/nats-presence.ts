import { UsageError } from "../../errors/index.ts";
import type { PresenceEntry } from "../broker/broker.ts";
import type { NatsStream, ReadQuery, StoredText } from "./nats-stream.ts";

/** How long NATS keeps an entry that is not renewed. This is also the maximum time to live of an entry. */
export const MAX_PRESENCE_MS = 600_000;

/** The maximum number of topics for which this server remembers the times of its first reads. */
const MAX_TOPICS = 10_000;

/** The time at which this server first read the current message of an entry. */
interface FirstRead {
  readonly sequence: number;
  readonly atMs: number;
}

/**
 * The presence entries, in a stream that keeps the last message of each subject. Each entry has its own
 * subject. For a server, an entry has expired if its message has not changed for its time to live since this
 * server first read it. So servers need not compare their clocks.
 */
export class NatsPresence {
  readonly #stream: NatsStream;
  readonly #nowMs: () => number;
  /** The entries of this server, by subject, in the order of their last renewal. */
  readonly #own = new Map<string, { readonly value: string; readonly untilMs: number }>();
  /** The first reads of entries, by topic and subject. The topics are in the order of their last read. */
  readonly #read = new Map<
    string,
    { readonly atMs: number; readonly entries: ReadonlyMap<string, FirstRead> }
  >();

  /** @param nowMs a monotonic clock, in milliseconds */
  constructor(stream: NatsStream, nowMs: () => number) {
    this.#stream = stream;
    this.#nowMs = nowMs;
  }

  async enter(subject: string, value: string, ttlMs: number): Promise<void> {
    const nowMs = this.#nowMs();
    const known = this.#own.get(subject);
    const isSame = known !== undefined && known.untilMs > nowMs && known.value === value;
    this.#own.delete(subject);
    this.#own.set(subject, { value, untilMs: nowMs + ttlMs });
    this.#forgetExpired(nowMs);
    await this.#stream.publish(subject, `${isSame ? "=" : "+"}${ttlMs} ${value}`, {});
  }

  async leave(subject: string): Promise<void> {
    this.#own.delete(subject);
    await this.#stream.publish(subject, "-", {});
  }

  /** @param prefix the prefix of the subjects of the topic's entries */
  async members(prefix: string): Promise<readonly PresenceEntry[]> {
    const messages = await this.#readEntries(`${prefix}.*`);
    const nowMs = this.#nowMs();
    const before = this.#read.get(prefix)?.entries;
    const entries = new Map<string, FirstRead>();
    const members: PresenceEntry[] = [];
    // An entry may change during the read, and then has two messages.
    const latest = new Map(messages.map((message) => [message.subject, message]));
    for (const { subject, text, sequence } of latest.values()) {
      const [, ttlText, value] = /^[+=](\d{1,9}) (.*)$/s.exec(text) ?? [];
      if (value === undefined) continue;
      const known = before?.get(subject);
      const firstRead = known?.sequence === sequence ? known : { sequence, atMs: nowMs };
      entries.set(subject, firstRead);
      if (nowMs - firstRead.atMs >= Number(ttlText)) continue;
      members.push({ key: subject.slice(prefix.length + 1), value });
    }
    this.#remember(prefix, entries, nowMs);
    return members;
  }

  async #readEntries(filter_subject: string): Promise<readonly StoredText[]> {
    const query: ReadQuery = { filter_subject, deliver_policy: "last_per_subject" };
    if (!this.#stream.isReplicated) return this.#stream.read(query);
    // The server of NATS that reads the stream may not have the last message yet.
    const last = await this.#stream.lastMessage(filter_subject);
    return last === null ? [] : this.#stream.read(query, ({ sequence }) => sequence >= last.seq);
  }

  /** Forgets the entries that were left to expire. An entry that lives longer may delay it for the others. */
  #forgetExpired(nowMs: number): void {
    for (const [subject, { untilMs }] of this.#own) {
      if (untilMs > nowMs) return;
      this.#own.delete(subject);
    }
  }

  #remember(prefix: string, entries: ReadonlyMap<string, FirstRead>, nowMs: number): void {
    this.#read.delete(prefix);
    if (entries.size > 0) this.#read.set(prefix, { atMs: nowMs, entries });
    const [oldest] = this.#read;
    if (oldest === undefined) return;
    const isExpired = nowMs - oldest[1].atMs > MAX_PRESENCE_MS;
    if (isExpired || this.#read.size > MAX_TOPICS) this.#read.delete(oldest[0]);
  }
}

/** @throws UsageError `INVALID_OPTION` if NATS would not keep an entry for `ttlMs` */
export function checkPresenceTtl(ttlMs: number): void {
  if (ttlMs <= MAX_PRESENCE_MS) return;
  throw new UsageError(
    "INVALID_OPTION",
    `a presence entry that lives ${ttlMs} ms exceeds ${MAX_PRESENCE_MS} ms, the limit of a NatsBroker; lower presenceTtlMs of Topics, or graceMs`,
  );
}

/** Whether the sender of a presence message added or removed an entry, instead of renewing it. */
export function isPresenceChange(text: string): boolean {
  return !text.startsWith("=");
}
