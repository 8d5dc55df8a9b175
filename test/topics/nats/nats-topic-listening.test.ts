import type { BrokerListener } from "tideway/topics";
import { expect, it, onTestFinished } from "vitest";
import type { NatsConnection, NatsMessage } from "../../../src/topics/nats/nats-client.ts";
import { NatsTopicListening } from "../../../src/topics/nats/nats-topic-listening.ts";

const payload = (id: string): string => JSON.stringify({ v: 1, id, text: id });

/** A message as JetStream republishes it. */
function republished(sequence: number, text: string): NatsMessage {
  const headers = new Map([
    ["Nats-Sequence", `${sequence}`],
    ["Nats-Last-Sequence", `${sequence - 1}`],
  ]);
  const data = new TextEncoder().encode(text);
  return { subject: "live.news", data, headers: { get: (name) => headers.get(name) ?? "" } };
}

type Deliver = (error: Error | null, message: NatsMessage) => void;

/** Listens to the topic "news". Returns the subscriptions of the connection, by subject. */
function listen(events: string[] = []): {
  listening: NatsTopicListening;
  subscriptions: Map<string, Deliver[]>;
} {
  const subscriptions = new Map<string, Deliver[]>();
  const connection: NatsConnection = {
    subscribe(subject, { callback }) {
      subscriptions.set(subject, [...(subscriptions.get(subject) ?? []), callback]);
      return { unsubscribe() {} };
    },
    publish() {},
    flush: async () => {},
    async *status() {},
  };
  const listening = new NatsTopicListening(connection, {
    subjects: { publications: "live.news", presence: "presence.news.*", messages: "sent.news" },
    onTail: ({ sequence }, id) => void events.push(`tail ${sequence} ${id}`),
    onReuse: () => void events.push("reuse"),
    checkTail: async () => {},
    positionOf: async () => ({ epoch: "e", offset: 1 }),
  });
  onTestFinished(() => listening.close());
  return { listening, subscriptions };
}

it("reports the ids of publications, and sequence numbers that are used again", () => {
  const events: string[] = [];
  const { listening, subscriptions } = listen(events);
  listening.add({
    onPublication: ({ id }) => void events.push(`publication ${id}`),
    onInterruption: () => void events.push("interruption"),
    onPresenceChange() {},
  });
  const [deliver] = subscriptions.get("live.news")!;
  deliver(null, republished(1, "e:0 "));
  deliver(null, republished(2, `e:1 ${payload("a")}`));
  deliver(null, republished(2, `e:1 ${payload("b")}`));
  listening.close();
  expect(events).toEqual([
    "tail 1 undefined",
    "interruption",
    "tail 2 a",
    "publication a",
    "reuse",
    "interruption",
  ]);
});

it("subscribes once to each subject, and to messages only if a listener receives them", () => {
  const { listening, subscriptions } = listen();
  const counts = (): Record<string, number> =>
    Object.fromEntries([...subscriptions].map(([subject, { length }]) => [subject, length]));
  const listener: BrokerListener = {
    onPublication() {},
    onInterruption() {},
    onPresenceChange() {},
  };
  for (let count = 0; count < 2; count++) listening.add(listener);
  expect(counts()).toEqual({ "live.news": 1, "presence.news.*": 1 });
  for (let count = 0; count < 2; count++) listening.add({ ...listener, onMessage() {} });
  expect(counts()).toEqual({ "live.news": 1, "presence.news.*": 1, "sent.news": 1 });
});
