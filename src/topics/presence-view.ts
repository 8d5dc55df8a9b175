import { isSameMember, readMember } from "./member.ts";
import type { Member } from "./topic-message.ts";
import { type TopicsEnvironment, withTimeout } from "./topics-environment.ts";

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
  #members: ReadonlyMap<string, Member> | undefined;
  #isStale = false;
  #reading: Promise<void> | undefined;

  constructor(
    topic: string,
    environment: TopicsEnvironment,
    onNotice: (notice: PresenceNotice) => void,
  ) {
    this.#topic = topic;
    this.#environment = environment;
    this.#onNotice = onNotice;
  }

  get members(): readonly Member[] {
    return [...(this.#members?.values() ?? [])];
  }

  /** Reads the members, unless they were read before. @throws BrokerError */
  async load(): Promise<void> {
    if (this.#members !== undefined) return;
    const members = await readMembers(this.#environment, this.#topic);
    // A later read may have answered first.
    this.#members ??= members;
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
        this.#update(await readMembers(this.#environment, this.#topic));
      } catch (error) {
        this.#environment.report(error, this.#topic);
      }
    }
    this.#reading = undefined;
  }

  #update(members: ReadonlyMap<string, Member>): void {
    const before = this.#members;
    this.#members = members;
    if (before === undefined) return;
    for (const [id, member] of before) {
      if (!members.has(id)) this.#onNotice({ type: "leave", topic: this.#topic, member });
    }
    for (const [id, member] of members) {
      if (isSameMember(member, before.get(id))) continue;
      this.#onNotice({ type: "join", topic: this.#topic, member });
    }
  }
}

/** Reads the members of a topic, by their ids. @throws BrokerError */
export async function readMembers(
  environment: TopicsEnvironment,
  topic: string,
): Promise<ReadonlyMap<string, Member>> {
  const entries = await withTimeout(environment, environment.broker.members(topic));
  // Sorted by key, so that all servers use the same entry for a member with two entries.
  const read = entries
    .toSorted((one, other) => (one.key < other.key ? -1 : 1))
    .map(({ key, value }) => ({ key, ...readMember(value) }));
  // A server that has not noticed the end of a connection may renew an entry that was replaced.
  const replaced = new Set(read.map(({ replaces }) => replaces));
  const members = new Map<string, Member>();
  for (const { key, member } of read) {
    if (member !== undefined && !replaced.has(key)) members.set(member.id, member);
  }
  return members;
}
