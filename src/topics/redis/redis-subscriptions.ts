import { type DebugLog, describeError } from "../../errors/debug-log.ts";
import type { BrokerListener, VolatileMessage } from "../broker/broker.ts";
import { topicsFull } from "../broker/check-options.ts";
import { decodeMessage, decodeRecord } from "../broker/payload.ts";
import { toBrokerError } from "./redis-answers.ts";
import type { RedisListener, RedisListening } from "./redis-client.ts";
import { ReceivedMessages } from "./redis-received-messages.ts";

/** The message on a channel when the presence of its topic changes. */
const PRESENCE_CHANGE = "";

/** The start of a volatile message on a channel. No position starts with it. */
export const MESSAGE_MARK = "!";

/** The listeners of all channels. It subscribes to the channels that have listeners. */
export class RedisSubscriptions implements RedisListener {
  readonly #listening: RedisListening;
  readonly #maxChannels: number;
  readonly #log: DebugLog;
  readonly #listeners = new Map<string, Set<BrokerListener>>();
  readonly #subscribed = new Set<string>();
  /** The volatile messages of each channel that has had one. */
  readonly #received = new Map<string, ReceivedMessages>();
  /** The last change of each channel, because changes run one after the other. */
  readonly #changes = new Map<string, Promise<unknown>>();
  #isClosed = false;
  #lastError: unknown;

  /**
   * @param open opens the connection for subscriptions
   * @param maxChannels the maximum number of channels; a further channel is refused with `TOPICS_FULL`
   */
  constructor(
    open: (listener: RedisListener) => RedisListening,
    maxChannels: number,
    log: DebugLog,
  ) {
    this.#maxChannels = maxChannels;
    this.#log = log;
    this.#listening = open(this);
    // A rejection is handled by the code that awaits `connected`.
    this.connected.catch(() => {});
  }

  /** Resolves when the connection is open. */
  get connected(): Promise<unknown> {
    return this.#listening.connected;
  }

  /** The last error of the connection. The connection reconnects automatically. */
  get lastError(): unknown {
    return this.#lastError;
  }

  /** Listens to a channel. Resolves with a function that stops listening. @throws BrokerError */
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
      onMessage: (message) => listener.onMessage?.(message),
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
    this.#received.clear();
    this.#listening.close();
  }

  onMessage(channel: string, message: string): void {
    const listeners = this.#listeners.get(channel) ?? [];
    if (message.startsWith(MESSAGE_MARK)) {
      const read = this.#readMessage(channel, message.slice(MESSAGE_MARK.length));
      if (read !== undefined) for (const listener of listeners) listener.onMessage?.(read);
      return;
    }
    const publication = decodeRecord(message);
    for (const listener of listeners) {
      if (message === PRESENCE_CHANGE) listener.onPresenceChange();
      else if (publication !== undefined) listener.onPublication(publication);
      // An unreadable publication counts as missing. After this call, subscribers can get a notice at once.
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

  /** Reads a volatile message: `server:number json`. @returns undefined if it is invalid or not new */
  #readMessage(channel: string, message: string): VolatileMessage | undefined {
    const [mark, server, number] = /^([\w-]+):(\d+) /.exec(message) ?? [];
    if (mark === undefined || !this.#listeners.has(channel)) return undefined;
    const received = this.#received.get(channel) ?? new ReceivedMessages();
    this.#received.set(channel, received);
    return received.add(server, Number(number))
      ? decodeMessage(message.slice(mark.length))
      : undefined;
  }

  /** Subscribes to a channel if it has listeners, or unsubscribes. Waits for earlier changes of the channel. */
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
        this.#received.delete(channel);
        if (this.#subscribed.delete(channel)) await this.#listening.unsubscribe(channel);
      }
    } catch (error) {
      throw toBrokerError(error);
    }
  }
}
