import { CloseCode } from "../../errors/close-code.ts";
import type { ConnectionClosedError } from "../../errors/index.ts";
import { topicsFull } from "../broker/check-options.ts";
import {
  type SocketEndListener,
  type TopicSocket,
  unwatchEnd,
  watchEnd,
} from "../messages/topic-socket.ts";
import { type TopicsEnvironment, withTimeout } from "../messages/topics-environment.ts";
import type { LeaveOptions } from "./enter-options.ts";
import { writeHiding } from "./member.ts";
import { hidingTtlMs, type LeaseOptions, type Presence, PresenceLease } from "./presence-lease.ts";

/** Limits of the presence on a server. */
export interface PresenceLimits {
  /** The maximum number of topics with members; a further one rejects with `TOPICS_FULL`. */
  readonly maxTopics: number;
  /** The maximum number of members in their grace period. Beyond it, the first of them leave. */
  readonly maxAbsentMembers: number;
}

/** The presence of all members that are connected to this server. */
export class PresenceLeases {
  readonly #environment: TopicsEnvironment;
  readonly #limits: PresenceLimits;
  /** The leases of each topic, by the keys of their entries. */
  readonly #byTopic = new Map<string, Map<string, PresenceLease>>();
  /** Leases in their grace period, in the order of its start. */
  readonly #inGrace = new Set<PresenceLease>();

  constructor(environment: TopicsEnvironment, limits: PresenceLimits) {
    this.#environment = environment;
    this.#limits = limits;
  }

  /**
   * Keeps an entry at the broker until `leave`, until `socket` has closed, or until its grace period ends.
   *
   * @throws BrokerError
   */
  async enter(topic: string, options: LeaseOptions, socket: TopicSocket): Promise<Presence> {
    const { key, graceMs } = options;
    const before = this.#byTopic.get(topic)?.get(key);
    // An entry of this server ends with its lease, so it needs no hiding.
    const [own, replaces] = this.#split(topic, options.replaces);
    const lease: PresenceLease = new PresenceLease(
      this.#environment,
      topic,
      { ...options, replaces },
      {
        onGrace: () => this.#addToGrace(lease),
        onEnd: () => {
          unwatchEnd(socket, endListener);
          this.#remove(topic, lease);
        },
      },
    );
    const endListener: SocketEndListener = {
      onSocketEnd(info) {
        if (graceMs === 0) void lease.leave();
        else void startGrace(lease, socket, info);
      },
    };
    this.#add(topic, lease);
    watchEnd(socket, endListener);
    await lease.start(before);
    await Promise.all([
      ...own.map((replaced) => replaced.leave()),
      ...replaces.map((replaced) => this.#removeReplaced(topic, replaced)),
    ]);
    return lease;
  }

  /**
   * Removes entries by their keys, and hides them while another server may still renew them.
   *
   * @throws BrokerError
   */
  async leave(topic: string, { keys, graceMs = 0 }: LeaveOptions): Promise<void> {
    const environment = this.#environment;
    const { broker } = environment;
    const [own, others] = this.#split(topic, keys);
    await Promise.all(own.map((lease) => lease.leave()));
    if (others.length === 0) return;
    const entries = await withTimeout(environment, broker.members(topic));
    // Nothing is stored for keys without an entry, because any client can name such keys.
    const there = others.filter((key) => entries.some((entry) => entry.key === key));
    if (there.length === 0) return;
    const hiding = { key: crypto.randomUUID(), value: writeHiding(there) };
    const ttlMs = hidingTtlMs(environment, graceMs);
    // The broker may limit the time to live.
    await withTimeout(environment, broker.enter(topic, hiding, ttlMs)).catch(() => {});
    await Promise.all(there.map((key) => withTimeout(environment, broker.leave(topic, key))));
  }

  /** Ends all leases. Entries with a grace period stay for it. Never rejects. */
  async close(): Promise<void> {
    const leases = [...this.#byTopic.values()].flatMap((ofTopic) => [...ofTopic.values()]);
    await Promise.all(leases.map((lease) => lease.close()));
  }

  /** The leases of this server with some keys, and the keys without one. */
  #split(topic: string, keys: readonly string[]): [PresenceLease[], string[]] {
    const leases = this.#byTopic.get(topic);
    const own = keys.map((key) => leases?.get(key)).filter((lease) => lease !== undefined);
    return [own, keys.filter((key) => leases?.has(key) !== true)];
  }

  async #removeReplaced(topic: string, key: string): Promise<void> {
    try {
      await withTimeout(this.#environment, this.#environment.broker.leave(topic, key));
    } catch (error) {
      // The new entry is stored, and the broker removes the other one when it expires.
      this.#environment.report(error, topic);
    }
  }

  #add(topic: string, lease: PresenceLease): void {
    let leases = this.#byTopic.get(topic);
    if (leases === undefined) {
      const { maxTopics } = this.#limits;
      if (this.#byTopic.size >= maxTopics) throw topicsFull(maxTopics, "members");
      leases = new Map();
      this.#byTopic.set(topic, leases);
    }
    leases.set(lease.entry.key, lease);
  }

  #remove(topic: string, lease: PresenceLease): void {
    this.#inGrace.delete(lease);
    const leases = this.#byTopic.get(topic);
    // A later lease may have the same key.
    if (leases?.get(lease.entry.key) !== lease) return;
    leases.delete(lease.entry.key);
    if (leases.size === 0) this.#byTopic.delete(topic);
  }

  #addToGrace(lease: PresenceLease): void {
    this.#inGrace.add(lease);
    if (this.#inGrace.size <= this.#limits.maxAbsentMembers) return;
    const [first] = this.#inGrace;
    this.#inGrace.delete(first);
    void first.leave();
  }
}

/** Starts the grace period of a lease after the end of its socket, or ends the lease after a normal close. */
async function startGrace(lease: Presence, socket: TopicSocket, info: unknown): Promise<void> {
  // First, because `drained` of another kind of socket may stay pending.
  lease.startGrace();
  if (await isClosedByPeer(socket, info)) await lease.leave();
}

/** Whether the peer has closed the connection with 1000 or 1001, and this server has not. */
async function isClosedByPeer(socket: TopicSocket, info: unknown): Promise<boolean> {
  const { code } = Object(info) as { readonly code?: unknown };
  if (code !== CloseCode.Normal && code !== CloseCode.GoingAway) return false;
  try {
    await socket.drained;
  } catch (error) {
    return (Object(error) as Partial<ConnectionClosedError>).closedBy !== "local";
  }
  return true;
}
