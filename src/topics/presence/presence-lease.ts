/// <reference lib="esnext.disposable" preserve="true" />
import type { PresenceEntry } from "../broker/broker.ts";
import { withFields, writeHiding } from "./member.ts";
import { every } from "../broker/timers.ts";
import { type TopicsEnvironment, withTimeout } from "../messages/topics-environment.ts";

/** The presence of a member on a topic: the result of `topic.enter`. This server renews it until it ends. */
export interface Presence extends AsyncDisposable {
  /**
   * Ends the presence; a second call has no effect. If the broker cannot be reached, the entry expires
   * after `presenceTtlMs`. Never rejects.
   */
  leave(): Promise<void>;

  /**
   * Starts the grace period: the member leaves after `graceMs`, unless another entry replaces it. Call it if
   * the connection of the member is lost. Without `graceMs`, the member leaves at once.
   */
  startGrace(): void;
}

/** An entry to keep at the broker. */
export interface LeaseOptions {
  readonly key: string;
  /** The member, as text. */
  readonly value: string;
  readonly graceMs: number;
  /** The keys of entries of other servers to remove once the new one is stored. */
  readonly replaces: readonly string[];
}

/**
 * How many times as long as `presenceTtlMs` a server may renew a replaced entry, because it has not noticed
 * that the connection has ended. Heartbeats notice it within 50 seconds by default.
 */
const HIDING_TTLS = 2;

/** How long an entry that hides others must live, in milliseconds. */
export function hidingTtlMs({ presenceTtlMs }: TopicsEnvironment, graceMs: number): number {
  return HIDING_TTLS * presenceTtlMs + graceMs;
}

/** Renews an entry at the broker. If the server crashes, the renewals stop and the entry expires. */
export class PresenceLease implements Presence {
  readonly entry: PresenceEntry;
  readonly #environment: TopicsEnvironment;
  readonly #topic: string;
  readonly #graceMs: number;
  readonly #replaces: readonly string[];
  readonly #onGrace: () => void;
  readonly #onEnd: () => void;
  #state: "present" | "in-grace" | "ended" = "present";
  #renewals = 0;
  /** Stops the renewals, or the timer of the grace period. */
  #stopTimer: () => void = () => {};
  /** The calls of the broker run one after the other, so that a renewal cannot restore a removed entry. */
  #calls: Promise<unknown> = Promise.resolve();
  #ended: Promise<void> | undefined;

  /**
   * @param onGrace called when the grace period starts
   * @param onEnd called after the lease has ended
   */
  constructor(
    environment: TopicsEnvironment,
    topic: string,
    { key, value, graceMs, replaces }: LeaseOptions,
    { onGrace, onEnd }: { readonly onGrace: () => void; readonly onEnd: () => void },
  ) {
    this.#environment = environment;
    this.#topic = topic;
    this.entry = { key, value: withFields(value, { replaces }) };
    this.#graceMs = graceMs;
    this.#replaces = replaces;
    this.#onGrace = onGrace;
    this.#onEnd = onEnd;
  }

  /** Stores the entry, after the calls of a lease with the same key. Then renews it. @throws BrokerError */
  async start(before: PresenceLease | undefined): Promise<void> {
    const { timers, presenceTtlMs } = this.#environment;
    // Two renewals may fail before the entry expires. Without renewals, an entry lives longer than
    // its grace period.
    const intervalMs = presenceTtlMs / 3;
    const ttlMs = Math.ceil(Math.max(presenceTtlMs, this.#graceMs + intervalMs));
    if (before !== undefined) this.#calls = before.forget();
    this.#stopTimer = every(timers, intervalMs, () => {
      this.#renewals++;
      this.#store(ttlMs).catch(this.#report);
    });
    try {
      await this.#store(ttlMs);
    } catch (error) {
      // The broker may have stored the entry.
      void this.leave();
      throw error;
    }
  }

  startGrace(): void {
    if (this.#state !== "present") return;
    if (this.#graceMs === 0) {
      void this.leave();
      return;
    }
    this.#state = "in-grace";
    this.#stopTimer();
    this.#stopTimer = every(this.#environment.timers, this.#graceMs, () => void this.leave());
    this.#onGrace();
  }

  leave(): Promise<void> {
    return this.#end(() => this.#remove());
  }

  /** Ends the lease because the server stops. The entry stays for the grace period, if it has one. */
  close(): Promise<void> {
    if (this.#graceMs === 0) return this.leave();
    const { broker } = this.#environment;
    const { key, value } = this.entry;
    // Another value, so that other servers read the entry, and read again when it expires.
    const last = { key, value: withFields(value, { endsInMs: this.#graceMs }) };
    return this.#end(() => broker.enter(this.#topic, last, this.#graceMs));
  }

  /** Ends the lease without a call to the broker. Resolves after its last call. */
  forget(): Promise<unknown> {
    const calls = this.#calls;
    void this.#end(async () => {});
    return calls;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.leave();
  }

  #end(lastCall: () => Promise<void>): Promise<void> {
    this.#ended ??= this.#endWith(lastCall);
    return this.#ended;
  }

  async #endWith(lastCall: () => Promise<void>): Promise<void> {
    this.#state = "ended";
    this.#stopTimer();
    await this.#call(lastCall).catch(this.#report);
    // After the call, because closing Topics waits for the leases that are still registered.
    this.#onEnd();
  }

  /** Removes the entry. If other servers may still renew the replaced entries, hides them for a time. */
  async #remove(): Promise<void> {
    const { broker } = this.#environment;
    const { key } = this.entry;
    if (this.#replaces.length > 0 && this.#renewals < 3 * HIDING_TTLS) {
      const hiding = { key, value: writeHiding(this.#replaces) };
      try {
        await broker.enter(this.#topic, hiding, hidingTtlMs(this.#environment, this.#graceMs));
        return;
      } catch {
        // The broker may limit the time to live.
      }
    }
    await broker.leave(this.#topic, key);
  }

  #store(ttlMs: number): Promise<void> {
    const { broker } = this.#environment;
    return this.#call(() => broker.enter(this.#topic, this.entry, ttlMs));
  }

  #call(action: () => Promise<void>): Promise<void> {
    const call = this.#calls.then(() => withTimeout(this.#environment, action()));
    this.#calls = call.catch(() => {});
    return call;
  }

  readonly #report = (error: unknown): void => this.#environment.report(error, this.#topic);
}
