import { describe, expect, it } from "vitest";
import { NatsBroker } from "../../../src/topics/nats/nats-broker.ts";
import type {
  NatsConnection,
  NatsJetStream,
  NatsManager,
  NatsPublishOptions,
} from "../../../src/topics/nats/nats-client.ts";
import { settle } from "../support.ts";

const LIMITS = { historySize: 100, maxAgeMs: 60_000, idWindowMs: 1_000 };
const RETENTION = { size: 100, bytes: 1_000, ageMs: 60_000, idWindowMs: 1_000 };

/** A broker on existing streams that keep everything, and acknowledge each message. */
function openBroker(
  num_replicas = 1,
  published: NatsPublishOptions[] = [],
  client: Partial<NatsConnection> = {},
): Promise<NatsBroker> {
  const config = {
    max_msgs_per_subject: -1,
    max_age: 0,
    max_bytes: -1,
    duplicate_window: 1e15,
    num_replicas,
    republish: { src: "", dest: "tideway.live" },
  };
  const manager: NatsManager = {
    streams: {
      info: async () => ({ config }),
      add: () => Promise.reject(new Error("not used")),
      getMessage: async () => null,
    },
    consumers: { add: async () => ({ num_pending: 0, created: "2026-01-01T00:00:00Z" }) },
  };
  const jetStream: NatsJetStream = {
    jetstreamManager: async () => manager,
    publish: async (_subject, _payload, options) => {
      published.push(options);
      return { seq: published.length, duplicate: false };
    },
  };
  const connection: NatsConnection = {
    subscribe: () => ({ unsubscribe() {} }),
    publish() {},
    flush: async () => {},
    async *status() {},
    ...client,
  };
  return NatsBroker.open(connection, jetStream, LIMITS);
}

describe("NatsBroker, for the retention of a topic,", () => {
  it.each([
    ["size", 101],
    ["ageMs", 60_001],
    ["idWindowMs", 1_001],
  ])("throws for %s above the limit of the broker", async (name, value) => {
    const broker = await openBroker();
    const retention = { ...RETENTION, [name]: value };
    const error = { name: "UsageError", code: "INVALID_OPTION" };
    await expect(broker.publish("news", { id: "1", data: "a" }, retention)).rejects.toMatchObject(
      error,
    );
    await expect(broker.history("news", { limit: 1 }, retention)).rejects.toMatchObject(error);
  });

  it("accepts the limits of the broker", async () => {
    const broker = await openBroker();
    const receipt = await broker.publish("news", { id: "1", data: "a" }, RETENTION);
    expect(receipt).toMatchObject({ isDuplicate: false });
  });
});

describe("NatsBroker, for a single publication,", () => {
  const draft = { id: "1", data: "a" };
  const mark = { expect: { lastSubjectSequence: 0 } };

  it("expects the last message of the topic", async () => {
    const published: NatsPublishOptions[] = [];
    const broker = await openBroker(1, published);
    await broker.publish("news", draft, RETENTION);
    expect(published).toEqual([mark, { msgID: "news:1", expect: { lastSubjectSequence: 1 } }]);
  });

  it("expects no message if several servers of NATS store the stream", async () => {
    const published: NatsPublishOptions[] = [];
    const broker = await openBroker(3, published);
    const publishing = broker.publish("news", draft, RETENTION);
    const failure = publishing.catch((error: unknown) => error);
    await settle();
    expect(published).toEqual([mark, { msgID: "news:1" }]);
    await broker.close();
    // This stream delivers nothing, so the position of the publication is unknown.
    expect(await failure).toMatchObject({ code: "BROKER_REFUSED" });
  });
});

describe("NatsBroker, for volatile messages,", () => {
  it("waits until NATS has them, once for all messages of a turn", async () => {
    const events: string[] = [];
    const broker = await openBroker(1, [], {
      publish: (subject) => void events.push(subject),
      flush: async () => void events.push("flush"),
    });
    await Promise.all(["a", "b"].map((topic) => broker.send(topic, { data: "x" })));
    expect(events).toEqual(["tideway.sent.a", "tideway.sent.b", "flush"]);
  });

  it("rejects if the connection is lost", async () => {
    const lost = new Error("connection disconnected");
    const broker = await openBroker(1, [], { flush: () => Promise.reject(lost) });
    await expect(broker.send("news", { data: "x" })).rejects.toMatchObject({
      code: "BROKER_UNAVAILABLE",
      cause: lost,
    });
  });
});

describe("NatsBroker, for a user without a permission,", () => {
  it.each(["tideway.live.news", "tideway.presence.news.*", "tideway.sent.news"])(
    "rejects subscribe with BROKER_REFUSED when NATS refuses the subscription %s",
    async (denied) => {
      const refusal = Object.assign(new Error("denied"), { name: "PermissionViolationError" });
      const refused: (() => void)[] = [];
      const broker = await openBroker(1, [], {
        subscribe(subject, { callback }) {
          if (subject === denied) refused.push(() => callback(refusal, undefined as never));
          return { unsubscribe() {} };
        },
        // NATS sends the refusal before the answer to the flush.
        flush: async () => {
          for (const refuse of refused.splice(0)) refuse();
        },
      });
      const listener = {
        onPublication() {},
        onInterruption() {},
        onPresenceChange() {},
        onMessage() {},
      };
      await expect(broker.subscribe("news", listener)).rejects.toMatchObject({
        code: "BROKER_REFUSED",
        cause: refusal,
      });
    },
  );
});
