import { RedisClusterListening } from "../../../src/topics/redis/redis-cluster-listening.ts";
import type { RedisListener, RedisListening } from "../../../src/topics/redis/redis-client.ts";
import { describe, expect, it, onTestFinished } from "vitest";

/** A connection to a master that the test closes. */
class Master implements RedisListening {
  readonly connected = Promise.resolve();
  readonly listener: RedisListener;
  readonly channels: string[] = [];
  isClosed = false;

  constructor(listener: RedisListener) {
    this.listener = listener;
  }

  async subscribe(channel: string): Promise<void> {
    this.channels.push(channel);
  }

  async unsubscribe(channel: string): Promise<void> {
    this.channels.splice(this.channels.indexOf(channel), 1);
  }

  close(): void {
    this.isClosed = true;
  }
}

function listen() {
  const masters: Master[] = [];
  const attempts: number[] = [];
  const calls: string[] = [];
  const listening = new RedisClusterListening(
    async (attempt, listener) => {
      attempts.push(attempt);
      masters.push(new Master(listener));
      return masters.at(-1)!;
    },
    {
      onMessage: (channel, message) => calls.push(`${channel} ${message}`),
      onReconnected: () => calls.push(`again, on ${masters.at(-1)!.channels.join(" and ")}`),
      onError: (error) => calls.push((error as Error).message),
    },
  );
  onTestFinished(() => listening.close());
  return { listening, masters, attempts, calls };
}

describe("listening to a cluster", () => {
  it("continues at another master with all channels and reports when it is ready", async () => {
    const { listening, masters, attempts, calls } = listen();
    await listening.subscribe("a");
    await listening.subscribe("b");
    await listening.subscribe("c");
    await listening.unsubscribe("b");
    masters[0].listener.onMessage("a", "1");
    expect(calls).toEqual(["a 1"]);
    masters[0].listener.onError(new Error("lost"));
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

  it("ends calls that wait for a master when it is closed", async () => {
    const { listening, masters } = listen();
    await listening.connected;
    masters[0].listener.onError(new Error("lost"));
    await expect.poll(() => masters[0].isClosed).toBe(true);
    const subscribing = listening.subscribe("a");
    listening.close();
    await expect(subscribing).rejects.toThrow("the subscription connection is closed");
  });
});
