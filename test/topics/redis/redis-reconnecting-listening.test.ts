import { RedisReconnectingListening } from "../../../src/topics/redis/redis-reconnecting-listening.ts";
import type {
  ConnectionListener,
  ListeningConnection,
} from "../../../src/topics/redis/redis-client.ts";
import { describe, expect, it, onTestFinished, vi } from "vitest";

const NEVER = new Promise<never>(() => {});

/** A connection to a master that the test closes. */
class Master implements ListeningConnection {
  connected: Promise<unknown> = Promise.resolve();
  readonly listener: ConnectionListener;
  readonly channels: string[] = [];
  /** The answers to calls for a channel. Without one, the call succeeds. */
  readonly answers: ReadonlyMap<string, () => Promise<never>>;
  isSilent = false;
  isClosed = false;

  constructor(listener: ConnectionListener, answers: ReadonlyMap<string, () => Promise<never>>) {
    this.listener = listener;
    this.answers = answers;
  }

  async subscribe(channel: string): Promise<void> {
    await this.answers.get(channel)?.();
    this.channels.push(channel);
  }

  async unsubscribe(channel: string): Promise<void> {
    await this.answers.get(channel)?.();
    this.channels.splice(this.channels.indexOf(channel), 1);
  }

  async ping(): Promise<void> {
    if (this.isSilent) await NEVER;
  }

  close(): void {
    this.isClosed = true;
  }
}

function listen(onOpen: (master: Master) => void = () => {}) {
  const masters: Master[] = [];
  const attempts: number[] = [];
  const calls: string[] = [];
  const answers = new Map<string, () => Promise<never>>();
  const listening = new RedisReconnectingListening(
    async (attempt) => {
      attempts.push(attempt);
      return (listener) => {
        const master = new Master(listener, answers);
        masters.push(master);
        onOpen(master);
        return master;
      };
    },
    {
      onMessage: (channel, message) => calls.push(`${channel} ${message}`),
      onReconnected: () => calls.push(`again, on ${masters.at(-1)!.channels.join(" and ")}`),
      onError: (error) => calls.push((error as Error).message),
    },
  );
  onTestFinished(() => listening.close());
  return { listening, masters, attempts, calls, answers };
}

describe("listening on a connection that is lost", () => {
  it("continues at another master with all channels and reports when it is ready", async () => {
    const { listening, masters, attempts, calls } = listen();
    await listening.subscribe("a");
    await listening.subscribe("b");
    await listening.subscribe("c");
    await listening.unsubscribe("b");
    masters[0].listener.onMessage("a", "1");
    expect(calls).toEqual(["a 1"]);
    masters[0].listener.onError(new Error("lost"));
    masters[0].listener.onMessage("a", "2");
    await expect.poll(() => calls).toEqual(["a 1", "lost", "again, on a and c"]);
    expect(attempts).toEqual([0, 1]);
    expect(masters.map(({ isClosed }) => isClosed)).toEqual([true, false]);
  });

  it("subscribes at the next master to channels added while there is none", async () => {
    const { listening, masters } = listen();
    await listening.connected;
    masters[0].listener.onError(new Error("lost"));
    await expect.poll(() => masters[0].isClosed).toBe(true);
    await listening.subscribe("a");
    expect(masters.map(({ channels }) => channels)).toEqual([[], ["a"]]);
  });

  it("does not subscribe at the next master to channels removed while there is none", async () => {
    const { listening, masters, calls } = listen();
    await listening.subscribe("a");
    await listening.subscribe("b");
    masters[0].listener.onError(new Error("lost"));
    await listening.unsubscribe("a");
    await expect.poll(() => calls).toEqual(["lost", "again, on b"]);
  });

  it("continues at the next master if the first is lost at any step of its connection", async () => {
    for (let depth = 3; depth < 20; depth++) {
      const { listening, masters } = listen();
      for (let step = 0; step < depth; step++) await Promise.resolve();
      masters[0].listener.onError(new Error("lost"));
      for (let step = 0; step < depth; step++) await Promise.resolve();
      await listening.subscribe("a");
      expect([depth, masters.map(({ channels }) => channels)]).toEqual([depth, [[], ["a"]]]);
    }
  });

  it("ends calls that wait for a master when it is closed", async () => {
    const { listening, masters } = listen();
    await listening.connected;
    masters[0].listener.onError(new Error("lost"));
    await expect.poll(() => masters[0].isClosed).toBe(true);
    const subscribing = listening.subscribe("a");
    listening.close();
    await expect(subscribing).rejects.toThrow("the subscription connection is closed");
    await expect(listening.subscribe("b")).rejects.toThrow("the subscription connection is closed");
  });

  it("resolves a subscription only after it has subscribed, at each step of the connection", async () => {
    for (let depth = 0; depth < 40; depth++) {
      const { listening, masters } = listen();
      for (let step = 0; step < depth; step++) await Promise.resolve();
      await listening.subscribe("a");
      expect([depth, masters[0].channels]).toEqual([depth, expect.arrayContaining(["a"])]);
    }
  });

  it.each(["NOPERM this user has no permissions", "CLUSTERDOWN The cluster is down"])(
    "rejects a subscription that Redis refuses with %j, and forgets the channel",
    async (message) => {
      const { listening, masters, calls, answers } = listen();
      answers.set("b", () => Promise.reject(new Error(message)));
      await listening.subscribe("a");
      await expect(listening.subscribe("b")).rejects.toThrow(message);
      answers.clear();
      masters[0].listener.onError(new Error("lost"));
      await expect.poll(() => calls).toEqual(["lost", "again, on a"]);
    },
  );

  it("stays subscribed to the other channels if Redis refuses one on the next connection", async () => {
    const { listening, masters, calls, answers } = listen();
    await listening.subscribe("a");
    await listening.subscribe("b");
    answers.set("a", () => Promise.reject(new Error("NOPERM no permission")));
    masters[0].listener.onError(new Error("lost"));
    await expect.poll(() => calls).toEqual(["lost", "NOPERM no permission", "again, on b"]);
    answers.clear();
    masters[1].listener.onError(new Error("lost"));
    await expect.poll(() => calls.at(-1)).toBe("again, on a and b");
  });

  it("tries again if Redis refuses a channel on the next connection for a time", async () => {
    const { listening, masters, calls, answers } = listen();
    await listening.subscribe("a");
    answers.set("a", async () => {
      answers.clear();
      throw new Error("CLUSTERDOWN The cluster is down");
    });
    masters[0].listener.onError(new Error("lost"));
    await expect
      .poll(() => calls)
      .toEqual(["lost", "CLUSTERDOWN The cluster is down", "again, on a"]);
  });

  it("repeats a call on the next connection that the lost one leaves pending", async () => {
    const { listening, masters, answers } = listen();
    await listening.subscribe("a");
    answers.set("a", () => NEVER).set("b", () => NEVER);
    const calls = [listening.unsubscribe("a"), listening.subscribe("b")];
    answers.clear();
    masters[0].listener.onError(new Error("lost"));
    await Promise.all(calls);
    expect(masters[1].channels).toEqual(["b"]);
  });
});

describe("a connection without answers", () => {
  it("is lost if it does not answer a PING, also before it is open", async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const { listening, masters, calls } = listen((master) => {
      if (masters.length === 2) master.connected = NEVER;
    });
    await listening.subscribe("a");
    await vi.advanceTimersByTimeAsync(60_000);
    expect(masters.length).toBe(1);
    for (const count of [2, 3]) {
      masters.at(-1)!.isSilent = true;
      await vi.advanceTimersByTimeAsync(21_000);
      expect(masters.length).toBe(count);
    }
    const silent = "Redis did not answer a PING within 15000 ms";
    expect(calls).toEqual([silent, silent, "again, on a"]);
    expect(masters.map(({ isClosed }) => isClosed)).toEqual([true, true, false]);
  });

  it("is not lost if the answer is late by two intervals", async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const { listening, masters } = listen();
    await listening.connected;
    vi.spyOn(masters[0], "ping").mockImplementation(
      () => new Promise((resolve) => setTimeout(resolve, 14_000)),
    );
    await vi.advanceTimersByTimeAsync(120_000);
    expect(masters.length).toBe(1);
  });
});
