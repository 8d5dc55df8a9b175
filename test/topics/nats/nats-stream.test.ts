import { describe, expect, it } from "vitest";
import type {
  NatsConnection,
  NatsJetStream,
  NatsManager,
  NatsMessage,
} from "../../../src/topics/nats/nats-client.ts";
import { NatsStream } from "../../../src/topics/nats/nats-stream.ts";

const SETTINGS = {
  name: "TIDEWAY",
  subject: "tideway.log.*",
  republishTo: "tideway.live.{{wildcard(1)}}",
  messagesPerSubject: 100,
  maxAgeMs: 1_000,
  maxBytes: Infinity,
  idWindowMs: 1_000,
  replicas: 3,
};

const CONFIG = {
  max_msgs_per_subject: -1,
  max_age: 0,
  max_bytes: -1,
  duplicate_window: 1e15,
  num_replicas: 1,
  republish: { src: "", dest: "tideway.live" },
};

const streamNotFound = Object.assign(new Error("stream not found"), { code: 10_059, status: 404 });

const notEnabled = Object.assign(new Error("no answer"), { name: "JetStreamNotEnabled" });

/** A server of NATS with one stream, which is missing until a client adds it. */
class FakeNats {
  isMissing = true;
  /** Whether JetStream answers to publishers. */
  isRunning = true;
  readonly requests: string[] = [];

  readonly #api = async <T>(request: string, answer: T): Promise<T> => {
    this.requests.push(request);
    await Promise.resolve();
    if (this.isMissing) throw streamNotFound;
    return answer;
  };

  readonly #manager: NatsManager = {
    streams: {
      info: () => this.#api("info", { config: CONFIG }),
      add: async (config) => {
        this.requests.push("add");
        expect(config).toMatchObject({ name: "TIDEWAY", num_replicas: 3 });
        this.isMissing = false;
      },
      getMessage: () => this.#api("getMessage", null),
    },
    consumers: {
      add: () => this.#api("addConsumer", { num_pending: 0, created: "2026-01-01T00:00:00Z" }),
    },
  };

  open(): NatsStream {
    const connection: NatsConnection = {
      subscribe: () => ({ unsubscribe() {} }),
      publish() {},
      flush: async () => {},
      async *status() {},
    };
    const jetStream: NatsJetStream = {
      jetstreamManager: async () => this.#manager,
      publish: async () => {
        this.requests.push("publish");
        if (this.isMissing || !this.isRunning) throw notEnabled;
        return { seq: 1, duplicate: false };
      },
    };
    return new NatsStream(connection, jetStream, this.#manager, SETTINGS);
  }
}

describe("a NatsStream that is missing", () => {
  it.each<[string, (stream: NatsStream) => Promise<unknown>, string]>([
    ["publish", (stream) => stream.publish("tideway.log.news", "", {}), "publish"],
    ["lastMessage", (stream) => stream.lastMessage("tideway.log.news"), "getMessage"],
    ["messageAt", (stream) => stream.messageAt(1), "getMessage"],
    ["nextMessage", (stream) => stream.nextMessage("tideway.log.news", 1), "getMessage"],
    ["readClockMs", (stream) => stream.readClockMs(), "addConsumer"],
    [
      "read",
      (stream) => stream.read({ filter_subject: "tideway.log.news", deliver_policy: "all" }),
      "addConsumer",
    ],
  ])("is created again by %s, which then succeeds", async (_, call, request) => {
    const nats = new FakeNats();
    const stream = nats.open();
    await call(stream);
    expect(nats.requests).toEqual([request, "info", "add", request]);
    expect(stream.isReplicated).toBe(true);
  });

  it("is created only once for calls at the same time", async () => {
    const nats = new FakeNats();
    const stream = nats.open();
    await Promise.all([1, 2, 3].map((sequence) => stream.messageAt(sequence)));
    expect(nats.requests.filter((request) => request === "add")).toHaveLength(1);
  });
});

describe("a NatsStream that exists", () => {
  it("rejects with the error of the client while JetStream does not run", async () => {
    const nats = new FakeNats();
    nats.isMissing = false;
    nats.isRunning = false;
    const stream = nats.open();
    await expect(stream.publish("tideway.log.news", "", {})).rejects.toBe(notEnabled);
    expect(nats.requests).toEqual(["publish", "info", "publish"]);
    expect(stream.isReplicated).toBe(false);
  });

  it("does not look for the stream after another error", async () => {
    const refused = Object.assign(new Error("no"), { code: 10_003, status: 400 });
    const jetStream = { publish: () => Promise.reject(refused) } as never;
    const stream = new NatsStream({} as never, jetStream, {} as never, SETTINGS);
    await expect(stream.publish("tideway.log.news", "", {})).rejects.toBe(refused);
  });
});

describe("a read of a NatsStream", () => {
  it("lets NATS send more when this process has read the messages before", async () => {
    const events: string[] = [];
    let deliver: (error: Error | null, message: NatsMessage) => void = () => {};
    const connection: NatsConnection = {
      subscribe(_subject, { callback }) {
        deliver = callback;
        return { unsubscribe: () => void events.push("unsubscribe") };
      },
      publish: (subject, payload) => void events.push(`publish ${subject} ${payload}`),
      flush: async () => {},
      async *status() {},
    };
    const control = (reply?: string): void =>
      deliver(null, { subject: "inbox", data: new Uint8Array(), ...(reply && { reply }) });
    const send = (sequence: number, pending: number): void => {
      const data = new TextEncoder().encode(`${sequence}`);
      const reply = `$JS.ACK.TIDEWAY.c.1.${sequence}.${sequence}.0.${pending}`;
      deliver(null, { subject: "tideway.log.news", data, reply });
    };
    const manager: Pick<NatsManager, "consumers"> = {
      consumers: {
        async add(_stream, config) {
          expect(config).toMatchObject({ flow_control: true });
          send(1, 1);
          control("$JS.FC.TIDEWAY.c.x");
          // A heartbeat needs no answer.
          control();
          send(2, 0);
          return { num_pending: 2, created: "2026-01-01T00:00:00Z" };
        },
      },
    };
    const stream = new NatsStream(connection, {} as never, manager as NatsManager, SETTINGS);
    const read = await stream.read({ filter_subject: "tideway.log.news", deliver_policy: "all" });
    expect(read.map(({ text }) => text)).toEqual(["1", "2"]);
    expect(events).toEqual(["publish $JS.FC.TIDEWAY.c.x ", "unsubscribe"]);
  });
});
