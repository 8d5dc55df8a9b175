import type { PreparedMessage } from "../../protocol/prepared-message.ts";
import type { ErrorFields } from "../wire/frames.ts";
import type { ClientFrameOf } from "../wire/server-session.ts";
import { acquireTopic } from "./acquire-topic.ts";
import type { ChannelConnection } from "./connection.ts";
import { brokerFailure, FORBIDDEN, INTERNAL, invalidRequest, NO_PRESENCE } from "./failures.ts";
import type { MemberWatcher } from "./member-hub.ts";
import type { Rechecks } from "./rechecks.ts";
import { runRule } from "./rules.ts";
import type { TopicEntry } from "./topic-table.ts";

/** One connection that watches the members of one topic. While it is full, it misses changes. */
class Watch implements MemberWatcher {
  readonly entry: TopicEntry;
  readonly #connection: ChannelConnection;
  /** The id of the watch frame, until it is answered; then 0. */
  requestId: number;
  isEnded = false;
  #needsMembers = false;
  /** Ends the watch, because the client cannot receive a message. */
  readonly #onTooBig: (watch: Watch, error: ErrorFields) => void;

  constructor(
    connection: ChannelConnection,
    entry: TopicEntry,
    requestId: number,
    onTooBig: (watch: Watch, error: ErrorFields) => void,
  ) {
    this.#connection = connection;
    this.entry = entry;
    this.requestId = requestId;
    this.#onTooBig = onTooBig;
  }

  notify(change: PreparedMessage): void {
    if (this.#connection.isFull) this.#needsMembers = true;
    else this.#send(change.data, change);
  }

  /** Sends the members, if changes were missed and there is room again. */
  wake(): void {
    if (!this.#needsMembers || this.#connection.isFull) return;
    this.#needsMembers = false;
    const members = this.entry.memberHub.encodeMembers();
    this.#send(members, members);
  }

  #send(data: string | Uint8Array, message: string | PreparedMessage): void {
    const error = this.#connection.session.errorIfTooBig(data);
    if (error === undefined) this.#connection.send(message);
    else this.#onTooBig(this, error);
  }
}

/** The topics with members that one connection watches. */
export class Watches {
  readonly #connection: ChannelConnection;
  readonly #byTopic = new Map<string, Watch>();
  /** Watches that ended before their answer. They count until their rule or the broker has settled. */
  #ending = 0;

  constructor(connection: ChannelConnection) {
    this.#connection = connection;
  }

  watch(frame: ClientFrameOf<"watch">): void {
    const { id, topic } = frame;
    if (this.#byTopic.has(topic)) {
      const error = invalidRequest("the connection watches the members already");
      this.#connection.session.fail(id, error);
      return;
    }
    const used = { lasting: this.#byTopic.size, pending: this.#ending };
    const entry = acquireTopic(this.#connection, frame, "maxWatches", used);
    if (entry === undefined) return;
    const watch = new Watch(this.#connection, entry, id, this.#revoke);
    this.#byTopic.set(topic, watch);
    void this.#start(watch);
  }

  unwatch(topic: string): void {
    const watch = this.#byTopic.get(topic);
    if (watch !== undefined) this.#end(watch, invalidRequest("unwatched before the answer"));
  }

  /** The connection has room again. */
  wake(): void {
    for (const watch of this.#byTopic.values()) watch.wake();
  }

  /** Runs the subscribe rules again, and ends the watches that they do not allow any more. */
  recheck(rechecks: Rechecks): Promise<void>[] {
    return Array.from(this.#byTopic.values(), (watch) =>
      rechecks.run(watch, (reason) => this.#revoke(watch, reason)),
    );
  }

  /** Ends all watches, because the connection has ended. */
  endAll(): void {
    for (const watch of this.#byTopic.values()) this.#end(watch, INTERNAL);
  }

  /** Never rejects. */
  async #start(watch: Watch): Promise<void> {
    const error = (await this.#check(watch)) ?? (await this.#watch(watch));
    if (watch.isEnded) {
      watch.entry.memberHub.remove(watch);
      this.#ending--;
    } else if (error !== undefined) {
      this.#connection.session.fail(watch.requestId, error);
      watch.requestId = 0;
      this.#end(watch, error);
    }
  }

  /** Returns the error if the rule denies. */
  #check({ entry }: Watch): Promise<ErrorFields | undefined> {
    if (entry.compiled.memberSchema === undefined) {
      return Promise.resolve(NO_PRESENCE);
    }
    return new Promise((resolve) => {
      const deny = (hasThrown: boolean): void => resolve(hasThrown ? INTERNAL : FORBIDDEN);
      runRule(this.#connection, entry, "subscribe", undefined, () => resolve(undefined), deny);
    });
  }

  /** Returns the error if the broker does not answer. */
  async #watch(watch: Watch): Promise<ErrorFields | undefined> {
    const { name, memberHub } = watch.entry;
    if (watch.isEnded) return undefined;
    try {
      await memberHub.add(watch);
    } catch (error) {
      const failure = brokerFailure(error);
      if (failure !== undefined) return failure;
      this.#connection.environment.report(error, { kind: "subscribe", name });
      return INTERNAL;
    }
    if (watch.isEnded) return undefined;
    const members = memberHub.encodeMembers(watch.requestId);
    const tooBig = this.#connection.session.errorIfTooBig(members);
    if (tooBig !== undefined) return tooBig;
    this.#connection.session.answerMembers(watch.requestId, members);
    watch.requestId = 0;
    return undefined;
  }

  /** @param error the answer, if there was none yet */
  #end(watch: Watch, error: ErrorFields): void {
    const { entry, requestId } = watch;
    watch.isEnded = true;
    this.#byTopic.delete(entry.name);
    // Also while the rule is running, because it may never settle.
    this.#connection.environment.table.release(entry);
    if (requestId > 0) {
      this.#ending++;
      this.#connection.session.fail(requestId, error);
    } else entry.memberHub.remove(watch);
  }

  /** Ends a watch, and tells the client why. */
  readonly #revoke = (watch: Watch, error: ErrorFields): void => {
    const isAnswered = watch.requestId === 0;
    this.#end(watch, error);
    const topic = watch.entry.name;
    if (isAnswered) this.#connection.session.send({ type: "unwatched", topic, ...error });
  };
}
