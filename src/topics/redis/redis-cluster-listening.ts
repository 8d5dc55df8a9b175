import { delay } from "../timers.ts";
import type { RedisListener, RedisListening } from "./redis-client.ts";

/**
 * Opens a connection to a master of a cluster, and to another master at each attempt. The first call of
 * `onError` means that the connection is lost.
 */
export type OpenMaster = (attempt: number, listener: RedisListener) => Promise<RedisListening>;

const MAX_DELAY_MS = 1_000;

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/**
 * Listens to the channels of a cluster. Every master delivers the messages of all masters, so this class
 * listens to one master, and to another master if it loses the connection. The clients of both packages can
 * do this too. But they do not report when they have reconnected, and then missed publications must be read.
 */
export class RedisClusterListening implements RedisListening {
  readonly connected: Promise<unknown>;
  readonly #openMaster: OpenMaster;
  readonly #listener: RedisListener;
  readonly #channels = new Set<string>();
  /** The connection to the current master, once it is subscribed to all channels. */
  #master: RedisListening | undefined;
  /** Calls that wait for the next master. */
  readonly #waiting: Waiting[] = [];
  #hasListened = false;
  #isClosed = false;
  #rejectLost: (error: Error) => void = () => {};

  constructor(openMaster: OpenMaster, listener: RedisListener) {
    this.#openMaster = openMaster;
    this.#listener = listener;
    this.connected = this.#untilListening();
    void this.#listen();
  }

  async subscribe(channel: string): Promise<void> {
    this.#channels.add(channel);
    await (this.#master?.subscribe(channel) ?? this.#untilListening());
  }

  async unsubscribe(channel: string): Promise<void> {
    this.#channels.delete(channel);
    await this.#master?.unsubscribe(channel);
  }

  close(): void {
    this.#isClosed = true;
    const error = new Error("the subscription connection is closed");
    this.#rejectLost(error);
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }

  #untilListening(): Promise<void> {
    return new Promise((resolve, reject) => void this.#waiting.push({ resolve, reject }));
  }

  async #listen(): Promise<void> {
    for (let attempt = 0; !this.#isClosed; attempt++) {
      try {
        await this.#listenToMaster(attempt);
      } catch (error) {
        this.#listener.onError(error);
      }
      if (!this.#isClosed) await delay(globalThis, Math.min(MAX_DELAY_MS, 50 * attempt));
    }
  }

  /** Listens to one master. Rejects when the connection to it is lost. */
  async #listenToMaster(attempt: number): Promise<void> {
    const lost = new Promise<never>((_, reject) => {
      this.#rejectLost = reject;
    });
    lost.catch(() => {});
    const master = await this.#openMaster(attempt, {
      onMessage: (channel, message) => this.#listener.onMessage(channel, message),
      onReconnected() {},
      onError: this.#rejectLost,
    });
    master.connected.catch(() => {});
    try {
      await Promise.race([lost, master.connected]);
      await Promise.race([lost, this.#subscribeAll(master)]);
      this.#master = master;
      for (const { resolve } of this.#waiting.splice(0)) resolve();
      if (this.#hasListened) this.#listener.onReconnected();
      this.#hasListened = true;
      await lost;
    } finally {
      this.#master = undefined;
      master.close();
    }
  }

  /** Subscribes to all channels, including channels that are added during the call. */
  async #subscribeAll(master: RedisListening): Promise<void> {
    const subscribed = new Set<string>();
    for (;;) {
      const channels = [...this.#channels].filter((channel) => !subscribed.has(channel));
      if (channels.length === 0) return;
      await Promise.all(channels.map((channel) => master.subscribe(channel)));
      for (const channel of channels) subscribed.add(channel);
    }
  }
}
