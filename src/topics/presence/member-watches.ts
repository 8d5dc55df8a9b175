import { invalidOption } from "../../errors/check-options.ts";
import type { BrokerListener } from "../broker/broker.ts";
import { BrokerListeners } from "../messages/broker-listeners.ts";
import type { Member } from "../messages/topic-message.ts";
import type { TopicsEnvironment } from "../messages/topics-environment.ts";
import { PresenceView } from "./presence-view.ts";

/** A change of the members of a topic. A member with changed data joins again. */
export interface MemberChange {
  readonly type: "join" | "leave";
  readonly member: Member;
}

/** Receives the changes of the members of a topic. Errors that it throws go to `onError` of `Topics`. */
export type MemberListener = (change: MemberChange) => void;

/** The members of a topic, as `watchMembers` returns them. */
export interface MemberWatch extends Disposable {
  /** The members at the time when the promise resolved. The listener gets every later change. */
  readonly members: readonly Member[];
  /** Ends the calls of the listener. A second call has no effect. */
  stop(): void;
}

/** The watchers of members on this server. The watchers of one topic share its list of members. */
export class MemberWatches {
  readonly #environment: TopicsEnvironment;
  readonly #listeners: BrokerListeners<MemberFanOut>;

  /** @param maxTopics the maximum number of topics with watchers; a further one rejects with `TOPICS_FULL` */
  constructor(environment: TopicsEnvironment, maxTopics: number) {
    this.#environment = environment;
    this.#listeners = new BrokerListeners(
      environment,
      maxTopics,
      "watchers of members",
      (topic) => new MemberFanOut(topic, environment),
    );
  }

  /** Watches the members of a topic. See `Topic.watchMembers`. */
  watch(topic: string, listener: MemberListener): Promise<MemberWatch> {
    const report = (error: unknown): void => this.#environment.report(error, topic);
    const watcher = new MemberWatcher(listener, report);
    const watching = this.#add(topic, watcher);
    // The reaction of the caller runs between these two steps, so the caller gets the members first.
    void watching.then(() => queueMicrotask(() => watcher.start())).catch(() => {});
    return watching;
  }

  /** Reads changes that the broker has not reported, such as expired members. Call it at intervals. */
  check(): void {
    for (const { view } of this.#listeners.listeners) void view.refresh();
  }

  /** Ends all watches. Never rejects. */
  async close(): Promise<void> {
    for (const { watchers } of this.#listeners.listeners) watchers.clear();
    await this.#listeners.close();
  }

  async #add(topic: string, watcher: MemberWatcher): Promise<MemberWatch> {
    this.#environment.checkOpen();
    watcher.check();
    const { listener: fanOut, release } = await this.#listeners.use(topic);
    try {
      await fanOut.view.load();
      this.#environment.checkOpen();
    } catch (error) {
      release();
      throw error;
    }
    fanOut.watchers.add(watcher);
    const stop = (): void => {
      watcher.stop();
      if (fanOut.watchers.delete(watcher)) release();
    };
    return { members: fanOut.view.members, stop, [Symbol.dispose]: stop };
  }
}

/** Reads the members of one topic, and passes changes to its watchers. */
class MemberFanOut implements BrokerListener {
  readonly view: PresenceView;
  readonly watchers = new Set<MemberWatcher>();

  constructor(topic: string, environment: TopicsEnvironment) {
    const onNotice = ({ type, member }: MemberChange): void => {
      for (const watcher of this.watchers) watcher.notify({ type, member });
    };
    this.view = new PresenceView(topic, environment, onNotice, () => this.watchers.size > 0);
  }

  onPublication(): void {}

  onInterruption(): void {
    void this.view.refresh();
  }

  onPresenceChange(): void {
    void this.view.refresh();
  }
}

/** Keeps changes until its caller has the members, then passes each change to a listener. */
class MemberWatcher {
  readonly #listener: MemberListener;
  readonly #report: (error: unknown) => void;
  #state: "waiting" | "started" | "stopped" = "waiting";
  #changes: MemberChange[] = [];

  constructor(listener: MemberListener, report: (error: unknown) => void) {
    this.#listener = listener;
    this.#report = report;
  }

  /** @throws UsageError `INVALID_OPTION` */
  check(): void {
    if (typeof this.#listener === "function") return;
    throw invalidOption("watchMembers", "listener", this.#listener, "a function");
  }

  start(): void {
    if (this.#state === "waiting") this.#state = "started";
    for (const change of this.#changes.splice(0)) this.notify(change);
  }

  stop(): void {
    this.#state = "stopped";
  }

  notify(change: MemberChange): void {
    if (this.#state === "waiting") this.#changes.push(change);
    if (this.#state !== "started") return;
    try {
      this.#listener(change);
    } catch (error) {
      this.#report(error);
    }
  }
}
