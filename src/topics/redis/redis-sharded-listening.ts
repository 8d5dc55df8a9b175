import { every } from "../timers.ts";
import type { RedisListener, RedisListening } from "./redis-client.ts";
import { type SlotRange, slotOf } from "./redis-slots.ts";

/** A master of a cluster that can be reached. */
export interface ShardMaster {
  readonly id: string;
  /** The slots that the master has, by its own account. */
  readonly slots: readonly SlotRange[];
  /** Opens a connection for sharded subscriptions. The first call of `onError` means that it is lost. */
  open(listener: RedisListener): RedisListening;
}

/** A channel with listeners. */
interface Channel {
  readonly slot: number;
  /** The master on which the channel is subscribed. */
  owner?: string | undefined;
  /** Whether the channel has been subscribed before, so that messages may be missing. */
  wasSubscribed: boolean;
  /** Calls that wait until the channel is subscribed. */
  readonly waiting: {
    readonly resolve: () => void;
    readonly reject: (error: Error) => void;
  }[];
}

/** How often to check which master has which slots. */
const CHECK_INTERVAL_MS = 1_000;

/**
 * Listens to sharded channels of a cluster. Each master delivers only the messages of its own slots, so this
 * class has a connection to each master with channels, and follows a slot that moves to another master.
 */
export class RedisShardedListening implements RedisListening {
  readonly connected: Promise<unknown>;
  readonly #readMasters: () => Promise<readonly ShardMaster[]>;
  readonly #listener: RedisListener;
  readonly #channels = new Map<string, Channel>();
  readonly #connections = new Map<string, RedisListening>();
  readonly #stopChecks: () => void;
  #isUpdating = false;
  #needsUpdate = false;
  #isClosed = false;

  constructor(readMasters: () => Promise<readonly ShardMaster[]>, listener: RedisListener) {
    this.#readMasters = readMasters;
    this.#listener = listener;
    this.connected = readMasters();
    this.#stopChecks = every(globalThis, CHECK_INTERVAL_MS, () => this.#update());
  }

  subscribe(channel: string): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) {
        reject(closed());
        return;
      }
      const state = this.#channels.get(channel) ?? newChannel(channel);
      this.#channels.set(channel, state);
      state.waiting.push({ resolve, reject });
      this.#update();
    });
  }

  async unsubscribe(channel: string): Promise<void> {
    const state = this.#channels.get(channel);
    this.#channels.delete(channel);
    for (const { resolve } of state?.waiting.splice(0) ?? []) resolve();
    const connection = state?.owner === undefined ? undefined : this.#connections.get(state.owner);
    await connection?.unsubscribe(channel);
  }

  close(): void {
    this.#isClosed = true;
    this.#stopChecks();
    for (const connection of this.#connections.values()) connection.close();
    this.#connections.clear();
    for (const { waiting } of this.#channels.values()) {
      for (const { reject } of waiting.splice(0)) reject(closed());
    }
    this.#channels.clear();
  }

  /** Subscribes each channel at the master that has its slot. A call during an update runs another one after it. */
  #update(): void {
    if (this.#isClosed || this.#channels.size === 0) return;
    this.#needsUpdate = true;
    if (!this.#isUpdating) void this.#updateAll();
  }

  async #updateAll(): Promise<void> {
    this.#isUpdating = true;
    while (this.#needsUpdate && !this.#isClosed) {
      this.#needsUpdate = false;
      try {
        const masters = await this.#readMasters();
        const moves = await Promise.all(masters.map((master) => this.#subscribeAt(master)));
        if (moves.includes(true) && !this.#isClosed) this.#listener.onReconnected();
      } catch (error) {
        this.#listener.onError(error);
      }
    }
    this.#isUpdating = false;
  }

  /** Subscribes the channels of a master. Returns whether messages of one of them may be missing. */
  async #subscribeAt(master: ShardMaster): Promise<boolean> {
    const { id, slots } = master;
    const missing = [...this.#channels].filter(
      ([, { slot, owner }]) =>
        owner !== id && slots.some(([first, last]) => slot >= first && slot <= last),
    );
    if (missing.length === 0 || this.#isClosed) return false;
    const connection = this.#connections.get(id) ?? this.#open(master);
    try {
      await connection.connected;
      const moved = await Promise.all(
        missing.map(([name, channel]) => this.#subscribeChannel(connection, id, name, channel)),
      );
      return moved.includes(true);
    } catch (error) {
      // The next check tries again, for example after a slot has moved.
      this.#listener.onError(error);
      return false;
    }
  }

  async #subscribeChannel(
    connection: RedisListening,
    id: string,
    name: string,
    channel: Channel,
  ): Promise<boolean> {
    await connection.subscribe(name);
    const isLost = this.#connections.get(id) !== connection;
    if (isLost) return false;
    if (this.#channels.get(name) !== channel) {
      await connection.unsubscribe(name);
      return false;
    }
    const before = channel.owner === undefined ? undefined : this.#connections.get(channel.owner);
    // The previous master has ended the subscription if the slot has moved.
    before?.unsubscribe(name).catch(() => {});
    const { wasSubscribed } = channel;
    channel.owner = id;
    channel.wasSubscribed = true;
    for (const { resolve } of channel.waiting.splice(0)) resolve();
    return wasSubscribed;
  }

  #open(master: ShardMaster): RedisListening {
    const { id } = master;
    const connection: RedisListening = master.open({
      onMessage: (channel, message) => this.#listener.onMessage(channel, message),
      onReconnected() {},
      onError: (error) => this.#lose(id, connection, error),
    });
    connection.connected.catch((error: unknown) => this.#lose(id, connection, error));
    this.#connections.set(id, connection);
    return connection;
  }

  #lose(id: string, connection: RedisListening, error: unknown): void {
    if (this.#connections.get(id) !== connection) return;
    this.#connections.delete(id);
    connection.close();
    for (const channel of this.#channels.values()) {
      if (channel.owner === id) channel.owner = undefined;
    }
    this.#listener.onError(error);
  }
}

function newChannel(name: string): Channel {
  return { slot: slotOf(name), wasSubscribed: false, waiting: [] };
}

function closed(): Error {
  return new Error("the subscription connection is closed");
}
