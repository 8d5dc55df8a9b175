/// <reference lib="esnext.disposable" preserve="true" />
import type { PresenceEntry } from "./broker.ts";
import { every, type TopicsEnvironment, withTimeout } from "./topics-environment.ts";

/** Somebody's presence, kept up by this node until it ends. */
export interface Presence extends AsyncDisposable {
  /**
   * Ends it; without effect the second time. Where the broker cannot be told, the entry expires.
   * Never rejects.
   */
  leave(): Promise<void>;
}

/** Keeps an entry at the broker alive: a node that crashes no longer does, and the entry expires. */
export class PresenceLease implements Presence {
  readonly #context: TopicsEnvironment;
  readonly #topic: string;
  readonly #entry: PresenceEntry;
  readonly #onLeft: () => void;
  #stopRenewing: (() => void) | undefined;
  /** Calls to the broker, one after the other: none may put back what another has removed. */
  #calls: Promise<unknown> = Promise.resolve();
  #left: Promise<void> | undefined;

  constructor(context: TopicsEnvironment, topic: string, entry: PresenceEntry, onLeft: () => void) {
    this.#context = context;
    this.#topic = topic;
    this.#entry = entry;
    this.#onLeft = onLeft;
  }

  /** Renews the entry from now on. */
  start(): void {
    const { timers, presenceTtlMs } = this.#context;
    // Two renewals may fail before the entry is gone.
    this.#stopRenewing = every(timers, presenceTtlMs / 3, () => {
      this.enter().catch(this.#report);
    });
  }

  /** @throws BrokerError */
  enter(): Promise<void> {
    const { broker, presenceTtlMs } = this.#context;
    return this.#call(() => broker.enter(this.#topic, this.#entry, presenceTtlMs));
  }

  leave(): Promise<void> {
    this.#left ??= this.#leave();
    return this.#left;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.leave();
  }

  async #leave(): Promise<void> {
    this.#stopRenewing?.();
    const { broker } = this.#context;
    await this.#call(() => broker.leave(this.#topic, this.#entry.key)).catch(this.#report);
    // Not before: a node that closes waits for those who are on their way out.
    this.#onLeft();
  }

  #call(action: () => Promise<void>): Promise<void> {
    const call = this.#calls.then(() => withTimeout(this.#context, action()));
    this.#calls = call.catch(() => {});
    return call;
  }

  readonly #report = (error: unknown): void => this.#context.report(error, this.#topic);
}
