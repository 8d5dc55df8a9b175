import { delay } from "../broker/timers.ts";
import type { Member } from "../messages/topic-message.ts";
import { type TopicsEnvironment, withTimeout } from "../messages/topics-environment.ts";
import { isSameMember, readMember } from "./member.ts";

/** The time by which a broker may remove an expired entry late, in milliseconds. */
const EXPIRY_MARGIN_MS = 50;

/** A change between two reads of the members of a topic. */
export interface PresenceNotice {
  readonly type: "join" | "leave";
  readonly topic: string;
  readonly member: Member;
}

/**
 * The members of a topic, as this server last read them. The broker only signals that presence may have
 * changed. This class finds the changes by comparing two reads, so a lost signal only delays a notice.
 */
export class PresenceView {
  readonly #topic: string;
  readonly #environment: TopicsEnvironment;
  readonly #onNotice: (notice: PresenceNotice) => void;
  readonly #isUsed: () => boolean;
  #members: ReadonlyMap<string, Member> | undefined;
  #isStale = false;
  #reading: Promise<void> | undefined;
  /** Whether a refresh is planned, for the time at which an entry expires. */
  #isPlanned = false;

  /** @param isUsed whether the view is still in use; if not, it does not read when an entry expires */
  constructor(
    topic: string,
    environment: TopicsEnvironment,
    onNotice: (notice: PresenceNotice) => void,
    isUsed: () => boolean,
  ) {
    this.#topic = topic;
    this.#environment = environment;
    this.#onNotice = onNotice;
    this.#isUsed = isUsed;
  }

  get members(): readonly Member[] {
    return [...(this.#members?.values() ?? [])];
  }

  /** Reads the members, unless they were read before. @throws BrokerError */
  async load(): Promise<void> {
    if (this.#members !== undefined) return;
    const { members, endsInMs } = await readPresence(this.#environment, this.#topic);
    // A later read may have answered first.
    if (this.#members === undefined) this.#update(members);
    this.#planRefresh(endsInMs);
  }

  /** Reads the members, as of the time of the call or later. Never rejects. */
  refresh(): Promise<void> {
    this.#isStale = true;
    this.#reading ??= this.#read();
    return this.#reading;
  }

  async #read(): Promise<void> {
    while (this.#isStale) {
      this.#isStale = false;
      try {
        const { members, endsInMs } = await readPresence(this.#environment, this.#topic);
        this.#update(members);
        this.#planRefresh(endsInMs);
      } catch (error) {
        this.#environment.report(error, this.#topic);
      }
    }
    this.#reading = undefined;
  }

  /** The broker does not signal that an entry has expired. */
  #planRefresh(endsInMs: number | undefined): void {
    if (endsInMs === undefined || this.#isPlanned) return;
    this.#isPlanned = true;
    void delay(this.#environment.timers, endsInMs + EXPIRY_MARGIN_MS).then(() => {
      this.#isPlanned = false;
      if (this.#isUsed()) void this.refresh();
    });
  }

  #update(members: ReadonlyMap<string, Member>): void {
    const before = this.#members ?? new Map<string, Member>();
    this.#members = members;
    for (const [id, member] of before) {
      if (!members.has(id)) this.#onNotice({ type: "leave", topic: this.#topic, member });
    }
    for (const [id, member] of members) {
      if (isSameMember(member, before.get(id))) continue;
      this.#onNotice({ type: "join", topic: this.#topic, member });
    }
  }
}

/** The presence of a topic. */
export interface TopicPresence {
  /** The members by their ids. */
  readonly members: ReadonlyMap<string, Member>;
  /** The time until the first entry expires that no server renews any more. In milliseconds. */
  readonly endsInMs: number | undefined;
}

/** Reads the presence of a topic. @throws BrokerError */
export async function readPresence(
  environment: TopicsEnvironment,
  topic: string,
): Promise<TopicPresence> {
  const entries = await withTimeout(environment, environment.broker.members(topic));
  // Sorted by key, so that all servers use the same entry for a member with two entries.
  const read = entries
    .toSorted((one, other) => (one.key < other.key ? -1 : 1))
    .map(({ key, value }) => ({ key, ...readMember(value) }));
  // A server that has not noticed the end of a connection may renew an entry that was replaced.
  const replaced = new Set(read.flatMap(({ replaces = [] }) => replaces));
  const members = new Map<string, Member>();
  let firstEndMs = Infinity;
  for (const { key, member, endsInMs = Infinity } of read) {
    if (member === undefined || replaced.has(key)) continue;
    members.set(member.id, member);
    firstEndMs = Math.min(firstEndMs, endsInMs);
  }
  return { members, endsInMs: firstEndMs === Infinity ? undefined : firstEndMs };
}
