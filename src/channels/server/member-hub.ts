import type { PreparedMessage } from "../../protocol/prepared-message.ts";
import { prepare } from "../../server/socket/message-data.ts";
import type { Member, MemberChange, MemberWatch, Topic } from "../../topics/index.ts";

/** A connection that watches the members of a topic. */
export interface MemberWatcher {
  /** Sends a change, or the list of members later. */
  notify(change: PreparedMessage): void;
}

/** The connections of this server that watch the members of one topic. Each change is encoded once for all. */
export class MemberHub {
  readonly #topic: Topic;
  readonly #watchers = new Set<MemberWatcher>();
  readonly #members = new Map<string, Member>();
  /** The number of watchers, including watchers that wait for the members. */
  #users = 0;
  #watching: Promise<MemberWatch> | undefined;

  constructor(topic: Topic) {
    this.#topic = topic;
  }

  /** Resolves when the members are known. The watcher gets every later change. @throws BrokerError */
  async add(watcher: MemberWatcher): Promise<void> {
    this.#users++;
    try {
      this.#watching ??= this.#watch();
      await this.#watching;
    } catch (error) {
      this.#release();
      throw error;
    }
    this.#watchers.add(watcher);
  }

  remove(watcher: MemberWatcher): void {
    if (this.#watchers.delete(watcher)) this.#release();
  }

  /** The frame with all members. @param id the request that it answers, if it is an answer */
  encodeMembers(id?: number): string {
    const members = [...this.#members.values()];
    return JSON.stringify({ type: "members", id, topic: this.#topic.name, members });
  }

  async #watch(): Promise<MemberWatch> {
    const watch = await this.#topic.watchMembers((change) => this.#apply(change));
    this.#members.clear();
    for (const member of watch.members) this.#members.set(member.id, member);
    return watch;
  }

  #apply({ type, member }: MemberChange): void {
    if (type === "join") this.#members.set(member.id, member);
    else this.#members.delete(member.id);
    const change = prepare(JSON.stringify({ type, topic: this.#topic.name, member }));
    for (const watcher of this.#watchers) watcher.notify(change);
  }

  #release(): void {
    this.#users--;
    if (this.#users > 0) return;
    const watching = this.#watching;
    this.#watching = undefined;
    watching?.then(
      (watch) => watch.stop(),
      () => {},
    );
  }
}
