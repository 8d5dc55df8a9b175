import { isSameMember, readMember } from "./member.ts";
import type { Member, TopicMessage } from "./topic-message.ts";
import { type TopicsEnvironment, withTimeout } from "./topics-environment.ts";

/**
 * The members of a topic, as this server last read them. The broker only signals that presence may have
 * changed. This class finds the changes by comparing two reads, so a lost signal only delays a notice.
 */
export class PresenceView {
  readonly #topic: string;
  readonly #environment: TopicsEnvironment;
  readonly #onNotice: (message: TopicMessage) => void;
  #members: ReadonlyMap<string, Member> | undefined;
  #isStale = false;
  #reading: Promise<void> | undefined;

  constructor(
    topic: string,
    environment: TopicsEnvironment,
    onNotice: (message: TopicMessage) => void,
  ) {
    this.#topic = topic;
    this.#environment = environment;
    this.#onNotice = onNotice;
  }

  get members(): readonly Member[] {
    return [...(this.#members?.values() ?? [])];
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
  const members = new Map<string, Member>();
  // Sorted by key, so that all servers use the same entry for a member with two entries.
  for (const { value } of entries.toSorted((one, other) => (one.key < other.key ? -1 : 1))) {
    const member = readMember(value);
    if (member !== undefined) members.set(member.id, member);
  }
  return members;
}
