import { backoffMs, delay } from "../broker/timers.ts";
import { isErrorReply, toBrokerError } from "./redis-answers.ts";
import type { OpenConnection, RedisListener, RedisListening } from "./redis-client.ts";
import { WatchedConnection } from "./redis-watched-connection.ts";

const MAX_DELAY_MS = 1_000;

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Listens on one connection, and on another connection if that one is lost. In a cluster, every master delivers the
 * messages of all masters, so the next connection may be to another master.
 *
 * The clients of both packages can reconnect too. But after some errors they do not, and then they leave calls
 * pending. They also restore a subscription if Redis has not confirmed its end.
 */
export class RedisReconnectingListening implements RedisListening {
  readonly connected: Promise<void>;
  readonly #openerOf: (attempt: number) => Promise<OpenConnection>;
  readonly #listener: RedisListener;
  /** The channels, each with the calls that wait until it is subscribed. */
  readonly #channels = new Map<string, Waiting[]>();
  #connection: WatchedConnection | undefined;
  /** The connection once it is open, so that it can subscribe. */
  #open: WatchedConnection | undefined;
  #isClosed = false;
  /** Settles `connected`, until the first connection is open. */
  #first: Waiting | undefined;
  /** The number of failures in a row. */
  #failures = 0;

  /** @param openerOf returns the function that opens the connection of an attempt, from 0 */
  constructor(openerOf: (attempt: number) => Promise<OpenConnection>, listener: RedisListener) {
    this.#openerOf = openerOf;
    this.#listener = listener;
    this.connected = new Promise((resolve, reject) => {
      this.#first = { resolve, reject };
    });
    void this.#listen();
  }

  subscribe(channel: string): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) {
        reject(closed());
        return;
      }
      const waiting = this.#channels.get(channel) ?? [];
      this.#channels.set(channel, waiting);
      waiting.push({ resolve, reject });
      if (this.#open !== undefined) void this.#subscribeOn(this.#open, channel);
    });
  }

  async unsubscribe(channel: string): Promise<void> {
    for (const { resolve } of this.#channels.get(channel) ?? []) resolve();
    this.#channels.delete(channel);
    await this.#open?.unsubscribe(channel);
  }

  close(): void {
    this.#isClosed = true;
    const error = closed();
    this.#connection?.lose(error);
    this.#first?.reject(error);
    for (const waiting of this.#channels.values()) {
      for (const { reject } of waiting.splice(0)) reject(error);
    }
    this.#channels.clear();
  }

  async #listen(): Promise<void> {
    for (let attempt = 0; !this.#isClosed; attempt++) {
      const error = await this.#attempt(attempt);
      if (!this.#isClosed) this.#listener.onError(error);
      const delayMs = Math.min(MAX_DELAY_MS, backoffMs(this.#failures++));
      if (!this.#isClosed) await delay(globalThis, delayMs);
    }
  }

  /** Listens on one connection. Resolves with the error when it is lost. */
  async #attempt(attempt: number): Promise<unknown> {
    try {
      const open = await this.#openerOf(attempt);
      return this.#isClosed ? closed() : await this.#listenOn(open);
    } catch (error) {
      return error;
    }
  }

  #listenOn(open: OpenConnection): Promise<unknown> {
    return new Promise((resolve) => {
      const connection = new WatchedConnection(open, {
        onMessage: (channel, message) => this.#listener.onMessage(channel, message),
        onError: (error) => {
          this.#connection = undefined;
          this.#open = undefined;
          resolve(error);
        },
      });
      this.#connection = connection;
      // If it rejects, `onError` has been called.
      this.#subscribeAll(connection).catch(() => {});
    });
  }

  async #subscribeAll(connection: WatchedConnection): Promise<void> {
    await connection.connect();
    // Now `subscribe` uses this connection too. So no channel is left out.
    this.#open = connection;
    const isFirst = this.#first !== undefined;
    this.#first?.resolve();
    this.#first = undefined;
    const channels = [...this.#channels.keys()];
    await Promise.all(channels.map((channel) => this.#subscribeOn(connection, channel)));
    if (connection.isLost) return;
    this.#failures = 0;
    if (!isFirst) this.#listener.onReconnected();
  }

  /** Subscribes to a channel. If the connection is lost, the next connection subscribes to it. */
  async #subscribeOn(connection: WatchedConnection, channel: string): Promise<void> {
    const waiting = this.#channels.get(channel) ?? [];
    try {
      await connection.subscribe(channel);
      for (const { resolve } of waiting.splice(0)) resolve();
    } catch (error) {
      if (!isErrorReply(error)) connection.lose(error);
      else if (waiting.length > 0) this.#refuse(channel, waiting, error);
      else if (toBrokerError(error).isRetryable) connection.lose(error);
      // The other channels stay subscribed. The next connection tries again.
      else this.#listener.onError(error);
    }
  }

  #refuse(channel: string, waiting: Waiting[], error: unknown): void {
    if (this.#channels.get(channel) === waiting) this.#channels.delete(channel);
    for (const { reject } of waiting.splice(0)) reject(error);
  }
}

function closed(): Error {
  return new Error("the subscription connection is closed");
}
