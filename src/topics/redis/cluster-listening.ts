import { delay } from "../topics-environment.ts";
import type { RedisListener, RedisListening } from "./redis-client.ts";

/** Begins to connect to a node of a cluster, another one each time; lost at its first `onError`. */
export type OpenNode = (attempt: number, listener: RedisListener) => Promise<RedisListening>;

const MAX_DELAY_MS = 1_000;

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/**
 * Listens to a cluster, all of whose nodes hear what is published on any: to one node, and when that
 * is lost to another. The clients do so by themselves too, but neither tells when it is done, so that
 * nobody would know when to look for what was published meanwhile.
 */
export class ClusterListening implements RedisListening {
  readonly connected: Promise<unknown>;
  readonly #openNode: OpenNode;
  readonly #listener: RedisListener;
  readonly #channels = new Set<string>();
  /** The node that is listened to, while it is subscribed to all channels. */
  #node: RedisListening | undefined;
  /** For the next node. */
  readonly #waiting: Waiting[] = [];
  #hasListened = false;
  #isClosed = false;
  #lose: (error: Error) => void = () => {};

  constructor(openNode: OpenNode, listener: RedisListener) {
    this.#openNode = openNode;
    this.#listener = listener;
    this.connected = this.#untilListening();
    void this.#listen();
  }

  async subscribe(channel: string): Promise<void> {
    this.#channels.add(channel);
    await (this.#node?.subscribe(channel) ?? this.#untilListening());
  }

  async unsubscribe(channel: string): Promise<void> {
    this.#channels.delete(channel);
    await this.#node?.unsubscribe(channel);
  }

  close(): void {
    this.#isClosed = true;
    const error = new Error("the listening was closed");
    this.#lose(error);
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }

  #untilListening(): Promise<void> {
    return new Promise((resolve, reject) => void this.#waiting.push({ resolve, reject }));
  }

  async #listen(): Promise<void> {
    for (let attempt = 0; !this.#isClosed; attempt++) {
      try {
        await this.#listenToNode(attempt);
      } catch (error) {
        this.#listener.onError(error);
      }
      if (!this.#isClosed) await delay(globalThis, Math.min(MAX_DELAY_MS, 50 * attempt));
    }
  }

  /** Rejects once the node is lost. */
  async #listenToNode(attempt: number): Promise<void> {
    const lost = new Promise<never>((_, reject) => {
      this.#lose = reject;
    });
    lost.catch(() => {});
    const node = await this.#openNode(attempt, {
      onMessage: (channel, message) => this.#listener.onMessage(channel, message),
      onReconnected() {},
      onError: this.#lose,
    });
    node.connected.catch(() => {});
    try {
      await Promise.race([lost, node.connected]);
      await Promise.race([lost, this.#subscribeAll(node)]);
      this.#node = node;
      for (const { resolve } of this.#waiting.splice(0)) resolve();
      if (this.#hasListened) this.#listener.onReconnected();
      this.#hasListened = true;
      await lost;
    } finally {
      this.#node = undefined;
      node.close();
    }
  }

  /** To those too that are asked for meanwhile. */
  async #subscribeAll(node: RedisListening): Promise<void> {
    const subscribed = new Set<string>();
    for (;;) {
      const channels = [...this.#channels].filter((channel) => !subscribed.has(channel));
      if (channels.length === 0) return;
      await Promise.all(channels.map((channel) => node.subscribe(channel)));
      for (const channel of channels) subscribed.add(channel);
    }
  }
}
