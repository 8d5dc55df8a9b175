import { type DebugLog, describeError } from "../../errors/debug-log.ts";
import type { BrokerListener } from "../broker.ts";
import { topicsFull } from "../options.ts";
import { decodeRecord } from "../payload.ts";
import { toBrokerError } from "./redis-answers.ts";
import type { RedisListener, RedisListening } from "./redis-client.ts";

/** What is published on a channel when the presence of its topic changes. */
const PRESENCE_CHANGE = "";

/** The listeners to each channel, and the subscriptions to channels that follow from them. */
export class RedisSubscriptions implements RedisListener {
  readonly #listening: RedisListening;
  readonly #maxChannels: number;
  readonly #log: DebugLog;
  readonly #listeners = new Map<string, Set<BrokerListener>>();
  readonly #subscribed = new Set<string>();
  /** The last change of each channel: changes run one after the other. */
  readonly #changes = new Map<string, Promise<unknown>>();
  #isClosed = false;
  #lastError: unknown;

  /**
   * @param open opens the connection that is subscribed to channels
   * @param maxChannels the most channels; one more rejects with `TOPICS_FULL`
   */
  constructor(
    open: (listener: RedisListener) => RedisListening,
    maxChannels: number,
    log: DebugLog,
  ) {
    this.#maxChannels = maxChannels;
    this.#log = log;
    this.#listening = open(this);
    // The rejection is handled where `connected` is awaited.
    this.connected.catch(() => {});
  }

  /** Resolves when the connection is open. */
  get connected(): Promise<unknown> {
    return this.#listening.connected;
  }

  /** The last error of the connection, which reconnects automatically. */
  get lastError(): unknown {
    return this.#lastError;
  }

  /** Listens until the function that it resolves with is called. @throws BrokerError */
  async listen(channel: string, listener: BrokerListener): Promise<() => Promise<void>> {
    const known = this.#listeners.get(channel);
    if (known === undefined && this.#listeners.size >= this.#maxChannels) {
      throw topicsFull(this.#maxChannels);
    }
    const listeners = known ?? new Set();
    this.#listeners.set(channel, listeners);
    // A new object, so that the same listener can be added twice.
    const own: BrokerListener = {
      onPublication: (publication) => listener.onPublication(publication),
      onInterruption: () => listener.onInterruption(),
      onPresenceChange: () => listener.onPresenceChange(),
    };
    listeners.add(own);
    const stop = async (): Promise<void> => {
      listeners.delete(own);
      await this.#change(channel);
    };
    try {
      await this.#change(channel);
    } catch (error) {
      stop().catch(() => {});
      throw error;
    }
    return stop;
  }

  close(): void {
    this.#isClosed = true;
    this.#listeners.clear();
    this.#listening.close();
  }

  onMessage(channel: string, message: string): void {
    const listeners = this.#listeners.get(channel) ?? [];
    const publication = decodeRecord(message);
    for (const listener of listeners) {
      if (message === PRESENCE_CHANGE) listener.onPresenceChange();
      else if (publication !== undefined) listener.onPublication(publication);
      // An unreadable publication counts as a missing one, and subscribers can be notified at once.
      else listener.onInterruption();
    }
  }

  onReconnected(): void {
    if (this.#log.isEnabled) {
      const { size } = this.#listeners;
      this.#log.write(() => `Redis broker recovered: subscribed to ${size} channels again`);
    }
    for (const listeners of this.#listeners.values()) {
      for (const listener of listeners) listener.onInterruption();
    }
  }

  onError(error: unknown): void {
    this.#lastError = error;
    if (!this.#isClosed && this.#log.isEnabled) {
      this.#log.write(() => `Redis broker interrupted: ${describeError(error)}`);
    }
  }

  /** Subscribes to a channel with listeners, or unsubscribes from one without, after earlier changes. */
  #change(channel: string): Promise<unknown> {
    const before = this.#changes.get(channel) ?? Promise.resolve();
    const change = before.then(() => this.#applyChange(channel));
    const settled = change.catch(() => {});
    this.#changes.set(channel, settled);
    void settled.then(() => {
      if (this.#changes.get(channel) === settled) this.#changes.delete(channel);
    });
    return change;
  }

  async #applyChange(channel: string): Promise<void> {
    if (this.#isClosed) return;
    try {
      if ((this.#listeners.get(channel)?.size ?? 0) > 0) {
        if (!this.#subscribed.has(channel)) await this.#listening.subscribe(channel);
        this.#subscribed.add(channel);
      } else {
        this.#listeners.delete(channel);
        if (this.#subscribed.delete(channel)) await this.#listening.unsubscribe(channel);
      }
    } catch (error) {
      throw toBrokerError(error);
    }
  }
}
