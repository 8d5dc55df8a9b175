import { expect, it, vi } from "vitest";
import { NO_DEBUG_LOG } from "../../../src/errors/debug-log.ts";
import type { RedisListening } from "../../../src/topics/redis/redis-client.ts";
import { RedisSubscriptions } from "../../../src/topics/redis/redis-subscriptions.ts";
import type { BrokerListener } from "tideway/topics";

/** A connection that records its channels. The next calls fail with the errors of the test. */
class FakeListening implements RedisListening {
  readonly connected = Promise.resolve();
  readonly channels: string[] = [];
  readonly unsubscribed: string[] = [];
  readonly failures: Error[] = [];

  async subscribe(channel: string): Promise<void> {
    this.#fail();
    this.channels.push(channel);
  }

  async unsubscribe(channel: string): Promise<void> {
    this.#fail();
    this.unsubscribed.push(channel);
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
  expect(listening.unsubscribed).toEqual([]);
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

it("passes each message of a channel to its listeners by its kind, and volatile messages once", async () => {
  const { subscriptions } = open();
  const events: unknown[] = [];
  const stop = await subscriptions.listen("a", {
    onPublication: ({ id, position }) => events.push(`publication ${id} at ${position.offset}`),
    onInterruption: () => events.push("interruption"),
    onPresenceChange: () => events.push("presence"),
    onMessage: ({ data }) => events.push(`message ${data as string}`),
  });
  await subscriptions.listen("a", listenerOf());
  const payload = (text: string): string => JSON.stringify({ v: 1, id: text, text });
  const messages = [
    `e:7 ${payload("a")}`,
    "",
    "nonsense",
    `!server-1:12 ${payload("b")}`,
    `!server-1:12 ${payload("again")}`,
    `!server-1:13 ${payload("c")}`,
    `!server-2:12 ${payload("d")}`,
    `! server-1:14 ${payload("without a number at the start")}`,
    `!server-1:15 nonsense`,
  ];
  for (const message of messages) subscriptions.onMessage("a", message);
  subscriptions.onMessage("b", `e:1 ${payload("of another channel")}`);
  subscriptions.onMessage("b", `!server-1:1 ${payload("of another channel")}`);
  const expected = [
    "publication a at 7",
    "presence",
    "interruption",
    "message b",
    "message c",
    "message d",
  ];
  expect(events).toEqual(expected);
  await stop();
  subscriptions.onMessage("a", `e:8 ${payload("e")}`);
  expect(events).toEqual(expected);
});

it("delivers nothing and unsubscribes from nothing after it is closed", async () => {
  const { subscriptions, listening } = open();
  const onInterruption = vi.fn<() => void>();
  const stop = await subscriptions.listen("a", listenerOf(onInterruption));
  subscriptions.close();
  subscriptions.onMessage("a", "nonsense");
  subscriptions.onReconnected();
  await stop();
  expect(onInterruption).not.toHaveBeenCalled();
  expect(listening.unsubscribed).toEqual([]);
});
