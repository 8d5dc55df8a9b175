import type { ChannelEventSubscription, ChannelMember, ChannelPresence } from "tideway/channels";
import { ExternalStore } from "./external-store.ts";
import type { MembersState } from "./use-members.ts";

type Presence = Pick<ChannelPresence<unknown>, "onMembersChange">;

/** The members of a topic, which it watches while it runs. */
export class MembersStore extends ExternalStore<MembersState<unknown>> {
  readonly #topic: Presence;
  #subscription: ChannelEventSubscription | undefined;

  constructor(topic: Presence) {
    super({ status: "pending", members: [], error: undefined, retry: () => this.#retry() });
    this.#topic = topic;
  }

  protected override start(): void {
    // A watch that has failed would fail again: only `retry` starts it.
    if (this.getSnapshot().status !== "failed") this.#watch();
  }

  protected override stop(): void {
    this.#subscription?.cancel();
  }

  #watch(): void {
    this.#subscription = this.#topic.onMembersChange.listen(({ members }) => this.#set(members), {
      onDone: (error) => this.#fail(error),
    });
  }

  #set(members: readonly ChannelMember<unknown>[]): void {
    this.update({
      status: "active",
      members,
      error: undefined,
      retry: this.getSnapshot().retry,
    });
  }

  #fail(cause: unknown): void {
    const { members, retry } = this.getSnapshot();
    const error = cause instanceof Error ? cause : new Error("the members ended", { cause });
    this.update({ status: "failed", members, error, retry });
  }

  #retry(): void {
    const { status, members, retry } = this.getSnapshot();
    if (status !== "failed") return;
    this.update({ status: "pending", members, error: undefined, retry });
    if (this.isRunning) this.#watch();
  }
}
