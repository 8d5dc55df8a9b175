import { delay } from "../timers.ts";
import type { RedisListener, RedisListening } from "./redis-client.ts";

/** Starts to connect to a master of a cluster, another one for each attempt. It is lost at its first `onError`. */
export type OpenMaster = (attempt: number, listener: RedisListener) => Promise<RedisListening>;

const MAX_DELAY_MS = 1_000;

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/**
 * Listens to a cluster. Every master passes on what is published on any of them, so it listens to one, and
 * if that is lost, to another. The clients of both packages can do this, but they do not tell when it is
 * done, which is when missed publications must be read.
 */
export class RedisClusterListening implements RedisListening {
  readonly connected: Promise<unknown>;
  readonly #openMaster: OpenMaster;
  readonly #listener: RedisListener;
  readonly #channels = new Set<string>();
  /** The current master, once it is subscribed to all channels. */
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
    const error = new Error("the listening was closed");
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

  /** Rejects when the master is lost. */
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

  /** Subscribes to all channels, including those that are added meanwhile. */
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
