import { expect, it, vi } from "vitest";
import { NO_DEBUG_LOG } from "../../../src/errors/debug-log.ts";
import type { RedisListening } from "../../../src/topics/redis/redis-client.ts";
import { RedisSubscriptions } from "../../../src/topics/redis/redis-subscriptions.ts";
import type { BrokerListener } from "tideway/topics";

/** A connection that records its channels. The next calls fail with the errors of the test. */
class FakeListening implements RedisListening {
  readonly connected = Promise.resolve();
  readonly channels: string[] = [];
  readonly failures: Error[] = [];

  async subscribe(channel: string): Promise<void> {
    this.#fail();
    this.channels.push(channel);
  }

  async unsubscribe(channel: string): Promise<void> {
    this.#fail();
    this.channels.splice(this.channels.indexOf(channel), 1);
  }

  close(): void {}

  #fail(): void {
    const failure = this.failures.shift();
    if (failure !== undefined) throw failure;
  }
}

function open(maxChannels = 10): { subscriptions: RedisSubscriptions; listening: FakeListening } {
  const listening = new FakeListening();
  return {
    listening,
    subscriptions: new RedisSubscriptions(() => listening, maxChannels, NO_DEBUG_LOG),
  };
}

function listenerOf(onInterruption: () => void = () => {}): BrokerListener {
  return { onPublication() {}, onInterruption, onPresenceChange() {} };
}

it.each([
  ["NOPERM no permission for this channel", "BROKER_REFUSED", false],
  ["LOADING Redis is loading the dataset in memory", "BROKER_UNAVAILABLE", true],
  ["Socket closed unexpectedly", "BROKER_UNAVAILABLE", true],
])("rejects if the subscription fails with %j", async (message, code, isRetryable) => {
  const { subscriptions, listening } = open();
  listening.failures.push(new Error(message));
  await expect(subscriptions.listen("a", listenerOf())).rejects.toMatchObject({
    name: "BrokerError",
    code,
    isRetryable,
    message: expect.stringContaining(message) as string,
  });
});

it("forgets the listener of a subscription that failed, and can subscribe again", async () => {
  const { subscriptions, listening } = open(1);
  listening.failures.push(new Error("Socket closed unexpectedly"));
  const [failed, subscribed] = [vi.fn<() => void>(), vi.fn<() => void>()];
  await expect(subscriptions.listen("a", listenerOf(failed))).rejects.toThrow("Socket closed");
  // The only channel is free again.
  await subscriptions.listen("b", listenerOf(subscribed));
  subscriptions.onReconnected();
  expect(failed).not.toHaveBeenCalled();
  expect(subscribed).toHaveBeenCalledOnce();
  expect(listening.channels).toEqual(["b"]);
});

it("subscribes once to a channel with several listeners, and unsubscribes after the last", async () => {
  const { subscriptions, listening } = open();
  const stops = [
    await subscriptions.listen("a", listenerOf()),
    await subscriptions.listen("a", listenerOf()),
  ];
  expect(listening.channels).toEqual(["a"]);
  await stops[0]();
  expect(listening.channels).toEqual(["a"]);
  await stops[1]();
  expect(listening.channels).toEqual([]);
});

it("limits the number of channels, and not the number of listeners of a channel", async () => {
  const { subscriptions, listening } = open(2);
  const stopFirst = await subscriptions.listen("a", listenerOf());
  await subscriptions.listen("b", listenerOf());
  const stopSecond = await subscriptions.listen("a", listenerOf());
  const full = { name: "BrokerError", code: "TOPICS_FULL" };
  await expect(subscriptions.listen("c", listenerOf())).rejects.toMatchObject(full);
  expect(listening.channels).toEqual(["a", "b"]);
  await stopFirst();
  await expect(subscriptions.listen("c", listenerOf())).rejects.toMatchObject(full);
  await stopSecond();
  await subscriptions.listen("c", listenerOf());
  expect(listening.channels).toEqual(["b", "c"]);
});
