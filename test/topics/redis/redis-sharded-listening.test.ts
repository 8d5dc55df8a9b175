import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type {
  ConnectionListener,
  ListeningConnection,
} from "../../../src/topics/redis/redis-client.ts";
import {
  RedisShardedListening,
  type ShardMaster,
} from "../../../src/topics/redis/redis-sharded-listening.ts";
import { slotOf } from "../../../src/topics/redis/redis-slots.ts";

const MOVED = new Error("MOVED 15495 127.0.0.1:2");

/** A connection to a master. */
class Connection implements ListeningConnection {
  readonly connected: Promise<void>;
  readonly channels = new Set<string>();
  readonly listener: ConnectionListener;
  isClosed = false;

  constructor(listener: ConnectionListener, connected = Promise.resolve()) {
    this.connected = connected;
    this.listener = listener;
  }

  async subscribe(channel: string): Promise<void> {
    this.channels.add(channel);
  }

  async unsubscribe(channel: string): Promise<void> {
    this.channels.delete(channel);
  }

  async ping(): Promise<void> {}

  close(): void {
    this.isClosed = true;
  }
}

/** A cluster in memory. The test decides which master has which channels. */
class FakeCluster {
  readonly connections: Record<string, Connection[]> = {};
  owners: Record<string, readonly string[]> = {};
  isAway = false;
  reads = 0;
  /** The masters that accept connections and do nothing more. */
  readonly stalled = new Set<string>();

  readonly readMasters = async (): Promise<readonly ShardMaster[]> => {
    this.reads++;
    if (this.isAway) throw new Error("no master answers");
    return Object.entries(this.owners).map(([id, channels]) => ({
      id,
      slots: channels.map((channel) => [slotOf(channel), slotOf(channel)] as const),
      open: (listener) => {
        const connected = this.stalled.has(id) ? new Promise<void>(() => {}) : undefined;
        const connection = new Connection(listener, connected);
        (this.connections[id] ??= []).push(connection);
        return connection;
      },
    }));
  };

  /** The channels of the last connection to a master. */
  channelsOf(id: string): readonly string[] {
    return [...(this.connections[id]?.at(-1)?.channels ?? [])];
  }
}

describe("listening to sharded channels", () => {
  let cluster: FakeCluster;
  let events: string[];
  let listening: RedisShardedListening;

  beforeEach(() => {
    vi.useFakeTimers();
    cluster = new FakeCluster();
    cluster.owners = { one: ["a", "b"], two: ["c"] };
    events = [];
    listening = new RedisShardedListening(cluster.readMasters, {
      onMessage: (channel, message) => events.push(`${channel} ${message}`),
      onReconnected: () => events.push("again"),
      onError: (error) => events.push((error as Error).message),
    });
  });

  afterEach(() => {
    listening.close();
    vi.useRealTimers();
  });

  const subscribeAll = (): Promise<unknown> =>
    Promise.all(["a", "b", "c"].map((channel) => listening.subscribe(channel)));

  it("subscribes to each channel at the master of its slot, on one connection each", async () => {
    cluster.owners = { ...cluster.owners, three: [] };
    await subscribeAll();
    expect(cluster.channelsOf("one")).toEqual(["a", "b"]);
    expect(cluster.channelsOf("two")).toEqual(["c"]);
    expect(Object.entries(cluster.connections).map(([id, { length }]) => [id, length])).toEqual([
      ["one", 1],
      ["two", 1],
    ]);
    cluster.connections["two"][0].listener.onMessage("c", "1");
    await listening.unsubscribe("a");
    expect(cluster.channelsOf("one")).toEqual(["b"]);
    expect(events).toEqual(["c 1"]);
  });

  it("follows a channel to another master, and reports that messages may be missing", async () => {
    await subscribeAll();
    cluster.owners = { one: ["b"], two: ["a", "c"] };
    await vi.advanceTimersByTimeAsync(1_000);
    expect(cluster.channelsOf("one")).toEqual(["b"]);
    expect(cluster.channelsOf("two")).toEqual(["c", "a"]);
    expect(events).toEqual(["again"]);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(events).toEqual(["again"]);
  });

  it("connects to a master again after the connection is lost", async () => {
    await subscribeAll();
    cluster.connections["one"][0].listener.onError(new Error("lost"));
    expect(cluster.connections["one"][0].isClosed).toBe(true);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(cluster.connections["one"].length).toBe(2);
    expect(cluster.channelsOf("one")).toEqual(["a", "b"]);
    expect(events).toEqual(["lost", "again"]);
  });

  it("waits for a master that has the slot", async () => {
    cluster.owners = {};
    const subscribing = listening.subscribe("a");
    await vi.advanceTimersByTimeAsync(3_000);
    cluster.isAway = true;
    await vi.advanceTimersByTimeAsync(1_000);
    cluster.isAway = false;
    cluster.owners = { two: ["a"] };
    await vi.advanceTimersByTimeAsync(1_000);
    await subscribing;
    expect(cluster.channelsOf("two")).toEqual(["a"]);
    expect(events).toEqual(["no master answers"]);
  });

  it("does not ask the masters for their slots while it has no channels", async () => {
    cluster.isAway = true;
    await vi.advanceTimersByTimeAsync(3_000);
    expect(events).toEqual([]);
  });

  it("tries again if a master refuses a channel, for example while its slot moves", async () => {
    await listening.subscribe("c");
    const [connection] = cluster.connections["two"];
    cluster.owners = { one: [], two: ["a", "c"] };
    vi.spyOn(connection, "subscribe").mockRejectedValueOnce(MOVED);
    const subscribing = listening.subscribe("a");
    await vi.advanceTimersByTimeAsync(1_000);
    await subscribing;
    expect(cluster.channelsOf("two")).toEqual(["c", "a"]);
    expect(events).toEqual([MOVED.message]);
  });

  it("asks for the slots at most twice for many subscriptions at once", async () => {
    cluster.owners = { one: ["a", "b", "c", "d", "e"] };
    cluster.reads = 0;
    await Promise.all(["a", "b", "c", "d", "e"].map((channel) => listening.subscribe(channel)));
    expect(cluster.reads).toBe(2);
  });

  it("opens no connection after it is closed", async () => {
    const subscribing = listening.subscribe("a");
    listening.close();
    await expect(subscribing).rejects.toThrow("the subscription connection is closed");
    await vi.advanceTimersByTimeAsync(0);
    expect(cluster.connections).toEqual({});
  });

  it("opens another connection if a call fails without an answer of the master", async () => {
    await listening.subscribe("b");
    const [connection] = cluster.connections["one"];
    vi.spyOn(connection, "subscribe").mockRejectedValueOnce(new Error("Socket closed"));
    const subscribing = listening.subscribe("a");
    await vi.advanceTimersByTimeAsync(1_000);
    await subscribing;
    expect(connection.isClosed).toBe(true);
    expect(cluster.connections["one"]).toHaveLength(2);
    expect(cluster.channelsOf("one")).toEqual(["b", "a"]);
    expect(events).toEqual(["Socket closed", "again"]);
  });

  it("tries again if the next master refuses a channel that is subscribed", async () => {
    await subscribeAll();
    cluster.owners = { one: ["b"], two: ["a", "c"] };
    const refused = new Error("NOPERM no permission");
    vi.spyOn(cluster.connections["two"][0], "subscribe").mockRejectedValueOnce(refused);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(cluster.channelsOf("two")).toEqual(["c", "a"]);
    expect(events).toEqual([refused.message, "again"]);
  });

  it("ends a subscription that is answered after its channel was subscribed at another master", async () => {
    await listening.subscribe("b");
    const [connection] = cluster.connections["one"];
    let answer = (): void => {};
    vi.spyOn(connection, "subscribe").mockImplementationOnce((channel) => {
      connection.channels.add(channel);
      return new Promise((resolve) => (answer = resolve));
    });
    const subscribing = listening.subscribe("a");
    await vi.advanceTimersByTimeAsync(0);
    cluster.owners = { one: ["b"], two: ["a", "c"] };
    await vi.advanceTimersByTimeAsync(1_000);
    await subscribing;
    answer();
    await vi.advanceTimersByTimeAsync(5_000);
    expect([cluster.channelsOf("one"), cluster.channelsOf("two")]).toEqual([["b"], ["a"]]);
    expect(events).toEqual([]);
  });

  it("rejects a subscription that a master always refuses", async () => {
    await listening.subscribe("b");
    const [connection] = cluster.connections["one"];
    vi.spyOn(connection, "subscribe").mockRejectedValueOnce(new Error("NOPERM no permission"));
    await expect(listening.subscribe("a")).rejects.toThrow("NOPERM no permission");
    await vi.advanceTimersByTimeAsync(2_000);
    expect(cluster.channelsOf("one")).toEqual(["b"]);
  });

  it("continues at the other masters if a connection fails before it is open", async () => {
    cluster.stalled.add("one");
    const subscribing = listening.subscribe("a");
    await vi.advanceTimersByTimeAsync(1_000);
    const [stalled] = cluster.connections["one"];
    stalled.listener.onError(new Error("connect ETIMEDOUT"));
    await vi.advanceTimersByTimeAsync(0);
    expect(stalled.isClosed).toBe(true);
    await listening.subscribe("c");
    cluster.stalled.clear();
    cluster.connections["one"][1].listener.onError(new Error("connect ECONNREFUSED"));
    await vi.advanceTimersByTimeAsync(1_000);
    await subscribing;
    expect(cluster.channelsOf("one")).toEqual(["a"]);
    expect(events).toEqual(["connect ETIMEDOUT", "connect ECONNREFUSED"]);
  });

  it("closes a connection that does not open, without an error of the client", async () => {
    cluster.stalled.add("one");
    const subscribing = subscribeAll();
    await vi.advanceTimersByTimeAsync(1_000);
    vi.spyOn(cluster.connections["one"][0], "ping").mockReturnValue(new Promise(() => {}));
    cluster.stalled.clear();
    await vi.advanceTimersByTimeAsync(21_000);
    await subscribing;
    expect(cluster.connections["one"].map(({ isClosed }) => isClosed)).toEqual([true, false]);
    expect(cluster.channelsOf("one")).toEqual(["a", "b"]);
  });

  it("reports that messages of a channel may be missing although another channel is refused", async () => {
    await subscribeAll();
    cluster.owners = { one: [], two: ["a", "b", "c"] };
    vi.spyOn(cluster.connections["two"][0], "subscribe").mockRejectedValueOnce(MOVED);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(cluster.channelsOf("two")).toEqual(["c", "b"]);
    expect(events).toEqual([MOVED.message, "again"]);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(cluster.channelsOf("two")).toEqual(["c", "b", "a"]);
    expect(events).toEqual([MOVED.message, "again", "again"]);
  });

  it("ends a subscription that is answered after its channel was unsubscribed", async () => {
    await listening.subscribe("b");
    const [connection] = cluster.connections["one"];
    let answer: (() => void) | undefined;
    vi.spyOn(connection, "subscribe").mockImplementationOnce((channel) => {
      connection.channels.add(channel);
      return new Promise((resolve) => (answer = resolve));
    });
    const subscribing = listening.subscribe("a");
    await vi.waitUntil(() => answer !== undefined);
    await listening.unsubscribe("a");
    await subscribing;
    answer?.();
    await vi.advanceTimersByTimeAsync(0);
    expect(cluster.channelsOf("one")).toEqual(["b"]);
  });

  it("ends calls that wait when it is closed or the channel is not needed", async () => {
    cluster.owners = {};
    const [unsubscribed, waiting] = [listening.subscribe("a"), listening.subscribe("b")];
    await listening.unsubscribe("a");
    await unsubscribed;
    listening.close();
    await expect(waiting).rejects.toThrow("the subscription connection is closed");
    await expect(listening.subscribe("c")).rejects.toThrow("the subscription connection is closed");
  });
});
