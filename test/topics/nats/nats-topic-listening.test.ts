import { expect, it } from "vitest";
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

it("reports the ids of publications, and sequence numbers that are used again", () => {
  const events: string[] = [];
  let deliver: (error: Error | null, message: NatsMessage) => void = () => {};
  const connection: NatsConnection = {
    subscribe(subject, { callback }) {
      if (subject === "live.news") deliver = callback;
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
  listening.add({
    onPublication: ({ id }) => void events.push(`publication ${id}`),
    onInterruption: () => void events.push("interruption"),
    onPresenceChange() {},
  });
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
