import { BrokerError } from "../../errors/index.ts";
import type { PresenceEntry } from "../broker.ts";
import type { NatsConnection, NatsJetStream, NatsManager } from "./nats-client.ts";
import { readStream } from "./nats-stream.ts";

/** How long NATS keeps an entry that nobody renews, which is more than any may live. */
export const MAX_PRESENCE_MS = 600_000;

/** The number of topics for which the time of the last read is kept. */
const MAX_TOPICS_SEEN = 10_000;

/** When this node first read an entry in its present form. */
interface Seen {
  readonly sequence: number;
  readonly atMs: number;
}

/**
 * Who is present, in a stream that keeps the last message of each subject: one for each entry. A
 * node takes an entry for gone when it has not been renewed since the node first saw it so, by the
 * node's own clock; no two clocks are compared.
 */
export class NatsPresence {
  readonly #connection: NatsConnection;
  readonly #jetStream: NatsJetStream;
  readonly #manager: NatsManager;
  readonly #stream: string;
  /** Until when the entries of this node live, by subject. */
  readonly #own = new Map<string, number>();
  /** By topic, in the order of the last reading, then by subject. */
  readonly #seen = new Map<string, { readonly readAtMs: number; entries: Map<string, Seen> }>();

  constructor(
    connection: NatsConnection,
    jetStream: NatsJetStream,
    manager: NatsManager,
    stream: string,
  ) {
    this.#connection = connection;
    this.#jetStream = jetStream;
    this.#manager = manager;
    this.#stream = stream;
  }

  async enter(subject: string, value: string, ttlMs: number): Promise<void> {
    if (ttlMs > MAX_PRESENCE_MS) {
      const message = `on NATS, presence lasts ${MAX_PRESENCE_MS} ms at most, not ${ttlMs}`;
      throw new BrokerError("BROKER_REFUSED", message);
    }
    const nowMs = performance.now();
    const isNew = (this.#own.get(subject) ?? 0) <= nowMs;
    this.#own.set(subject, nowMs + ttlMs);
    await this.#jetStream.publish(subject, `${isNew ? "+" : "="}${ttlMs} ${value}`, {});
  }

  async leave(subject: string): Promise<void> {
    this.#own.delete(subject);
    await this.#jetStream.publish(subject, "-", {});
  }

  /** @param prefix what the subjects of the topic's entries begin with */
  async members(prefix: string, inbox: string): Promise<readonly PresenceEntry[]> {
    const messages = await readStream(this.#connection, this.#manager, this.#stream, inbox, {
      filter_subject: `${prefix}.*`,
      deliver_policy: "last_per_subject",
    });
    const nowMs = performance.now();
    const before = this.#seen.get(prefix)?.entries;
    const entries = new Map<string, Seen>();
    const members: PresenceEntry[] = [];
    for (const { subject, text, sequence } of messages) {
      const [, ttlText, value] = /^[+=](\d{1,9}) (.*)$/s.exec(text) ?? [];
      if (value === undefined) continue;
      const known = before?.get(subject);
      const seen = known?.sequence === sequence ? known : { sequence, atMs: nowMs };
      entries.set(subject, seen);
      if (nowMs - seen.atMs >= Number(ttlText)) continue;
      members.push({ key: subject.slice(prefix.length + 1), value });
    }
    this.#remember(prefix, entries, nowMs);
    return members;
  }

  #remember(prefix: string, entries: Map<string, Seen>, nowMs: number): void {
    this.#seen.delete(prefix);
    if (entries.size > 0) this.#seen.set(prefix, { readAtMs: nowMs, entries });
    const [oldest] = this.#seen;
    if (oldest === undefined) return;
    const isOver = nowMs - oldest[1].readAtMs > MAX_PRESENCE_MS;
    if (isOver || this.#seen.size > MAX_TOPICS_SEEN) this.#seen.delete(oldest[0]);
  }
}

/** Whether a message on a presence subject changes who is there, as far as its sender knows. */
export function isPresenceChange(text: string): boolean {
  return !text.startsWith("=");
}
