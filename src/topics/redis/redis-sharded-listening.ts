import { every } from "../broker/timers.ts";
import { isErrorReply, toBrokerError } from "./redis-answers.ts";
import type { OpenConnection, RedisListener, RedisListening } from "./redis-client.ts";
import { type SlotRange, slotOf } from "./redis-slots.ts";
import { WatchedConnection } from "./redis-watched-connection.ts";

/** A master of a cluster that can be reached. */
export interface ShardMaster {
  readonly id: string;
  /** The slots that the master has, by its own account. */
  readonly slots: readonly SlotRange[];
  /** Opens a connection for sharded subscriptions. */
  readonly open: OpenConnection;
}

/** A channel with listeners. */
interface Channel {
  readonly slot: number;
  /** The master on which the channel is subscribed. */
  owner?: string | undefined;
  /** The connection on which the channel is being subscribed. */
  next?: WatchedConnection | undefined;
  /** Whether the channel has been subscribed before, so that messages may be missing. */
  wasSubscribed: boolean;
  /** Calls that wait until the channel is subscribed. */
  readonly waiting: {
    readonly resolve: () => void;
    readonly reject: (error: unknown) => void;
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
  readonly #connections = new Map<string, WatchedConnection>();
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
    for (const connection of this.#connections.values()) connection.lose(closed());
    for (const { waiting } of this.#channels.values()) {
      for (const { reject } of waiting.splice(0)) reject(closed());
    }
    this.#channels.clear();
  }

  /** Subscribes each channel at the master that has its slot. A call during an update runs another one after it. */
  #update(): void {
    if (this.#channels.size === 0) return;
    this.#needsUpdate = true;
    if (!this.#isUpdating) void this.#updateAll();
  }

  async #updateAll(): Promise<void> {
    this.#isUpdating = true;
    while (this.#needsUpdate && !this.#isClosed) {
      this.#needsUpdate = false;
      try {
        // A master that does not answer must not delay the others.
        for (const master of await this.#readMasters()) void this.#subscribeAt(master);
      } catch (error) {
        this.#listener.onError(error);
      }
    }
    this.#isUpdating = false;
  }

  /** Subscribes the channels of a master. Reports if messages of one of them may be missing. */
  async #subscribeAt(master: ShardMaster): Promise<void> {
    const { id, slots } = master;
    const open = this.#connections.get(id);
    const missing = [...this.#channels].filter(
      ([, { slot, owner, next }]) =>
        owner !== id &&
        (next === undefined || next !== open) &&
        slots.some(([first, last]) => slot >= first && slot <= last),
    );
    if (missing.length === 0) return;
    const connection = open ?? this.#open(master);
    for (const [, channel] of missing) channel.next = connection;
    try {
      await connection.connect();
    } catch {
      // `#lose` has reported the error. The next check opens another connection.
      return;
    }
    const moved = await Promise.all(
      missing.map(([name, channel]) => this.#subscribeChannel(connection, id, name, channel)),
    );
    if (moved.includes(true) && !this.#isClosed) this.#listener.onReconnected();
  }

  /** Subscribes one channel. Returns whether its messages may be missing. */
  async #subscribeChannel(
    connection: WatchedConnection,
    id: string,
    name: string,
    channel: Channel,
  ): Promise<boolean> {
    try {
      await connection.subscribe(name);
    } catch (error) {
      this.#onRefused(connection, name, channel, error);
      return false;
    }
    if (this.#channels.get(name) !== channel || channel.next !== connection) {
      connection.unsubscribe(name).catch(() => {});
      return false;
    }
    const before = channel.owner === undefined ? undefined : this.#connections.get(channel.owner);
    // The previous master has ended the subscription if the slot has moved.
    before?.unsubscribe(name).catch(() => {});
    const { wasSubscribed } = channel;
    channel.owner = id;
    channel.next = undefined;
    channel.wasSubscribed = true;
    for (const { resolve } of channel.waiting.splice(0)) resolve();
    return wasSubscribed;
  }

  /** The next check tries again, for example after a slot has moved, unless Redis always refuses a new channel. */
  #onRefused(connection: WatchedConnection, name: string, channel: Channel, error: unknown): void {
    if (!isErrorReply(error)) {
      connection.lose(error);
      return;
    }
    if (channel.next === connection) channel.next = undefined;
    this.#listener.onError(error);
    if (channel.waiting.length === 0 || toBrokerError(error).isRetryable) return;
    if (this.#channels.get(name) === channel) this.#channels.delete(name);
    for (const { reject } of channel.waiting.splice(0)) reject(error);
  }

  #open({ id, open }: ShardMaster): WatchedConnection {
    const connection: WatchedConnection = new WatchedConnection(open, {
      onMessage: (channel, message) => this.#listener.onMessage(channel, message),
      onError: (error) => this.#lose(id, error),
    });
    this.#connections.set(id, connection);
    return connection;
  }

  #lose(id: string, error: unknown): void {
    this.#connections.delete(id);
    for (const channel of this.#channels.values()) {
      if (channel.owner === id) channel.owner = undefined;
    }
    if (!this.#isClosed) this.#listener.onError(error);
  }
}

function newChannel(name: string): Channel {
  return { slot: slotOf(name), wasSubscribed: false, waiting: [] };
}

function closed(): Error {
  return new Error("the subscription connection is closed");
}
