import { cp, rm } from "node:fs/promises";
import { jetstream, jetstreamManager, type JetStreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { brokerSuite } from "tideway/testing";
import { BrokerError, type BrokerPublishResult, Topics } from "tideway/topics";
import { NatsBroker, type NatsBrokerOptions, type NatsManager } from "tideway/topics/nats";
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { CuttableProxy } from "../../support/cuttable-proxy.ts";
import { Engine } from "../../support/engine.ts";
import { describeWithEngine } from "../../support/with-engine.ts";
import { resumeMany } from "../many-subscriptions.ts";
import { RoundTrips } from "../round-trips.ts";
import { received, RecordingSocket, texts } from "../support.ts";

const RETENTION = { size: 100, bytes: 1_000_000, ageMs: 60_000, idWindowMs: 60_000 };

function connectTo(port: number): Promise<NatsConnection> {
  return connect({
    servers: `127.0.0.1:${port}`,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 50,
    timeout: 2_000,
  });
}

describeWithEngine("nats", "NatsBroker", (path) => {
  describe("passes the suite for all brokers: it", () => {
    let engine: Engine;
    let proxy: CuttableProxy;
    let admin: NatsConnection;
    let manager: JetStreamManager;
    const connections: NatsConnection[] = [];

    beforeAll(async () => {
      engine = await Engine.nats(path);
      proxy = await CuttableProxy.to(engine.port);
      admin = await connectTo(engine.port);
      manager = await jetstreamManager(admin);
    });

    afterAll(async () => {
      await Promise.all([...connections, admin].map((connection) => connection.close()));
      await proxy[Symbol.asyncDispose]();
      await engine[Symbol.asyncDispose]();
    });

    const suite = brokerSuite({
      async open() {
        const connection = await connectTo(proxy.port);
        connections.push(connection);
        return NatsBroker.open(connection, jetstream(connection, { timeout: 1_000 }));
      },
      async openLimited(maxTopics) {
        const connection = await connectTo(proxy.port);
        connections.push(connection);
        return NatsBroker.open(connection, jetstream(connection), { maxTopics });
      },
      async interrupt() {
        proxy.cut();
      },
      async restart() {
        await engine.kill();
        await engine.start();
      },
      async forget() {
        await manager.streams.purge("TIDEWAY");
      },
    });
    it.each(suite.map(({ name, run }) => [name, run] as const))("%s", async (_, run) => {
      await expect(run()).resolves.toBeUndefined();
    });
  });

  async function startEngine(): Promise<Engine> {
    const engine = await Engine.nats(path);
    onTestFinished(() => engine[Symbol.asyncDispose]());
    return engine;
  }

  async function start(): Promise<NatsConnection> {
    return connectFor(await startEngine());
  }

  /** Until the engine is available again. */
  async function publishAgain(broker: NatsBroker, text: string): Promise<BrokerPublishResult> {
    for (;;) {
      try {
        return await broker.publish("news", { id: text, data: text }, RETENTION);
      } catch (error) {
        if (!(error instanceof BrokerError && error.isRetryable)) throw error;
      }
    }
  }

  async function connectFor(engine: Engine): Promise<NatsConnection> {
    const connection = await connectTo(engine.port);
    onTestFinished(() => connection.close());
    return connection;
  }

  async function open(
    connection: NatsConnection,
    options: NatsBrokerOptions = {},
  ): Promise<NatsBroker> {
    const broker = await NatsBroker.open(connection, jetstream(connection), options);
    onTestFinished(() => broker.close());
    return broker;
  }

  it("resumes 1,000 subscriptions in a few round trips", async () => {
    const engine = await startEngine();
    const trips = new RoundTrips();
    const openBroker = async (port: number, counted?: RoundTrips): Promise<NatsBroker> => {
      const connection = await connectTo(port);
      onTestFinished(() => connection.close());
      const client = jetstream(connection, { timeout: 60_000 });
      if (counted === undefined) return NatsBroker.open(connection, client);
      const { streams, consumers } = (await client.jetstreamManager()) as NatsManager;
      const manager: NatsManager = {
        streams: counted.wrap(streams, ["getMessage"]),
        consumers: counted.wrap(consumers, ["add"]),
      };
      return NatsBroker.open(
        counted.wrap(connection as never, ["flush"] as never[]),
        counted.wrap(client as never, ["publish"] as never[], {
          jetstreamManager: async () => manager,
        }),
      );
    };
    const reads = await resumeMany({ port: engine.port, open: openBroker }, trips);
    // To subscribe, to read positions and the clock, and to read what was missed.
    expect(trips.count).toBeLessThanOrEqual(7);
    expect(reads).toBeLessThan(200);
  });

  it("begins a new epoch when NATS has lost acknowledged messages", async () => {
    const engine = await startEngine();
    const broker = await open(await connectFor(engine));
    const copy = `${engine.folder}-copy`;
    onTestFinished(() => rm(copy, { recursive: true }));
    const first = await broker.publish("news", { id: "a", data: "1" }, RETENTION);
    await engine.kill();
    await cp(engine.folder, copy, { recursive: true });
    await engine.start();
    await publishAgain(broker, "b");
    await engine.kill();
    await rm(engine.folder, { recursive: true });
    await cp(copy, engine.folder, { recursive: true });
    await engine.start();

    const next = await publishAgain(broker, "c");
    expect(next.position).toEqual({ epoch: expect.any(String) as string, offset: 2 });
    expect(next.position.epoch).not.toBe(first.position.epoch);
    const page = await broker.history("news", { limit: 10 }, RETENTION);
    expect(page.publications.map(({ data }) => data)).toEqual(["1", "c"]);
    expect(page.publications.map(({ position }) => position)).toEqual([
      { ...next.position, offset: 1 },
      next.position,
    ]);
  });

  it("reads a history that is larger than what NATS buffers for a connection", async () => {
    const engine = await startEngine();
    const writer = await open(await connectFor(engine));
    const data = "x".repeat(500_000);
    for (let round = 0; round < 10; round++) {
      const ids = Array.from({ length: 20 }, (_, index) => `${round}-${index}`);
      await Promise.all(ids.map((id) => writer.publish("news", { id, data }, RETENTION)));
    }
    const reader = await open(await connectFor(engine));
    const { publications } = await reader.history("news", { limit: 1 }, RETENTION);
    expect(publications.map(({ position }) => position.offset)).toEqual([200]);
  });

  it("begins a new epoch when another server has stored as much in place of lost publications", async () => {
    const engine = await startEngine();
    const proxy = await CuttableProxy.to(engine.port);
    onTestFinished(() => proxy[Symbol.asyncDispose]());
    const connection = await connectTo(proxy.port);
    onTestFinished(() => connection.close());
    const broker = await open(connection);
    const copy = `${engine.folder}-copy`;
    onTestFinished(() => rm(copy, { recursive: true }));
    await broker.publish("news", { id: "a", data: "1" }, RETENTION);
    await engine.kill();
    await cp(engine.folder, copy, { recursive: true });
    await engine.start();
    const lost = await publishAgain(broker, "b");
    const interrupted = new Promise<void>((resolve) => {
      const onInterruption = resolve;
      void broker.subscribe("news", { onInterruption, onPublication() {}, onPresenceChange() {} });
    });
    await broker.history("news", { limit: 0 }, RETENTION);
    await engine.kill();
    await rm(engine.folder, { recursive: true });
    await cp(copy, engine.folder, { recursive: true });
    proxy.stall();
    await engine.start();
    const other = await open(await connectFor(engine));
    const inPlace = await other.publish("news", { id: "x", data: "2" }, RETENTION);
    expect(inPlace.position).toEqual(lost.position);
    await other.publish("news", { id: "y", data: "3" }, RETENTION);
    proxy.resume();
    await interrupted;

    const page = await broker.history("news", { since: lost.position, limit: 10 }, RETENTION);
    expect(page.position.epoch).not.toBe(lost.position.epoch);
    expect(page.publications.map(({ data }) => data)).toEqual(["3"]);
  });

  it("creates streams that are deleted again, and tells subscribers about the loss", async () => {
    const connection = await start();
    const { streams } = await jetstreamManager(connection);
    const broker = await open(connection);
    await using topics = new Topics({ broker, presence: true });
    const topic = topics.topic("news");
    const socket = new RecordingSocket();
    await topic.subscribe(socket);
    const { position } = await topic.publish("1");
    await expect.poll(() => texts(socket)).toEqual(["1"]);
    await Promise.all(["TIDEWAY", "TIDEWAY_PRESENCE"].map((name) => streams.delete(name)));
    const next = await topic.publish("2");
    expect(next.position.epoch).not.toBe(position.epoch);
    await topic.enter(new RecordingSocket(), { id: "ann" });
    expect(await topic.members()).toEqual([{ id: "ann" }]);
    const gaps = (): unknown[] => received(socket).filter(({ type }) => type === "lost");
    await expect.poll(gaps).toMatchObject([{ reason: "epoch-changed" }]);
    await topic.publish("3");
    await expect.poll(() => texts(socket).at(-1)).toBe("3");
    await streams.delete("TIDEWAY");
    const page = await broker.history("news", { since: next.position, limit: 1 }, RETENTION);
    expect(page.position.epoch).not.toBe(next.position.epoch);
  });

  describe.each([
    ["a default history", undefined, 64],
    ["a short history", 5, 16],
  ] as const)("with %s", (_, historySize, outstanding) => {
    it("numbers what several servers publish at once, and delivers it to all in one order", async () => {
      const engine = await startEngine();
      const options = historySize === undefined ? {} : { historySize };
      const retention = { ...RETENTION, size: historySize ?? 100 };
      const brokers: NatsBroker[] = [];
      for (let server = 0; server < 3; server++) {
        brokers.push(await open(await connectFor(engine), options));
      }
      const receipts: BrokerPublishResult[] = [];
      const readers = brokers.map(() => [] as number[]);
      const listen = async (server: number): Promise<void> => {
        await brokers[server].subscribe("news", {
          onPublication: ({ position }) => void readers[server].push(position.offset),
          onInterruption() {},
          onPresenceChange() {},
        });
      };
      await listen(0);
      await listen(1);
      let next = 0;
      const publishAll = async (server: number): Promise<void> => {
        while (next < 600) {
          const id = `${next++}`;
          // A server that starts to listen while the others publish.
          if (id === "300") await listen(2);
          receipts.push(await brokers[server].publish("news", { id, data: id }, retention));
        }
      };
      await Promise.all(
        Array.from({ length: 3 * outstanding }, (__, index) => publishAll(index % 3)),
      );
      const offsets = receipts.map(({ position }) => position.offset);
      const all = Array.from({ length: 600 }, (__, index) => index + 1);
      expect(offsets.toSorted((one, other) => one - other)).toEqual(all);
      expect(new Set(receipts.map(({ position }) => position.epoch)).size).toBe(1);
      for (const reader of readers) await expect.poll(() => reader.at(-1)).toBe(600);
      expect(readers[0]).toEqual(all);
      expect(readers[1]).toEqual(all);
      expect(readers[2]).toEqual(all.slice(-readers[2].length));
      const pages = await Promise.all(
        brokers.map((broker) => broker.history("news", { limit: 100 }, retention)),
      );
      expect(pages[1]).toEqual(pages[0]);
      expect(pages[2]).toEqual(pages[0]);
      expect(pages[0].publications.length).toBeGreaterThanOrEqual(historySize ?? 100);
      for (const { id, position } of pages[0].publications) {
        const again = await brokers[0].publish("news", { id, data: "again" }, retention);
        expect(again).toEqual({ position, isDuplicate: true });
      }
    });
  });

  it("continues with a topic that is quiet for longer than messages are kept", async () => {
    const broker = await open(await start(), { maxAgeMs: 1_000, idWindowMs: 1_000 });
    const retention = { ...RETENTION, ageMs: 1_000, idWindowMs: 1_000 };
    const { position } = await broker.publish("news", { id: "a", data: "1" }, retention);
    await expect
      .poll(() => broker.history("news", { limit: 10 }, retention), { timeout: 10_000 })
      .toEqual({ position, publications: [] });
    const next = await broker.publish("news", { id: "b", data: "2" }, retention);
    expect(next.position).toEqual({ epoch: position.epoch, offset: 2 });
  });

  it.each([
    ["ahead", 86_400_000 * 0.8],
    ["behind", -86_400_000 * 0.8],
  ])(
    "keeps the history when the clock of this machine is %s by most of maxAgeMs",
    async (_, skewMs) => {
      const connection = await start();
      const manager = await jetstreamManager(connection);
      vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + skewMs });
      onTestFinished(() => void vi.useRealTimers());
      const options = { historySize: 5 };
      const brokers = [await open(connection, options), await open(connection, options)];
      const retention = { ...RETENTION, size: 5 };
      for (const text of ["1", "2", "3", "4", "5"]) {
        await brokers[0].publish("news", { id: text, data: text }, retention);
      }
      const messagesBefore = (await manager.streams.info("TIDEWAY")).state.messages;
      for (let round = 0; round < 40; round++) {
        const page = await brokers[round % 2].history("news", { limit: 10 }, retention);
        expect(page.publications.map(({ data }) => data)).toEqual(["1", "2", "3", "4", "5"]);
      }
      expect((await manager.streams.info("TIDEWAY")).state.messages).toBe(messagesBefore);
    },
  );

  it("keeps a quiet topic although each server that reads it has just started", async () => {
    const connection = await start();
    const options = { maxAgeMs: 1_000, idWindowMs: 1_000 };
    const retention = { ...RETENTION, ageMs: 1_000, idWindowMs: 1_000 };
    const first = await open(connection, options);
    const { position } = await first.publish("news", { id: "a", data: "1" }, retention);
    const read = async (): Promise<unknown> =>
      (await open(connection, options)).history("news", { limit: 10 }, retention);
    await expect.poll(read, { timeout: 10_000 }).toEqual({ position, publications: [] });
  });

  it("refuses topics that require more than the stream keeps", async () => {
    const broker = await open(await start(), { historySize: 10 });
    const publishing = broker.publish("news", { id: "a", data: "" }, { ...RETENTION, size: 11 });
    await expect(publishing).rejects.toThrow(expect.objectContaining({ code: "INVALID_OPTION" }));
    await broker.publish("news", { id: "a", data: "" }, { ...RETENTION, size: 10 });
  });

  it("drops the oldest publications when all topics together exceed maxBytes", async () => {
    const connection = await start();
    const broker = await open(connection, { maxBytes: 50_000 });
    const publish = async (topic: string, id: string): Promise<BrokerPublishResult> =>
      await broker.publish(topic, { id, data: "x".repeat(500) }, RETENTION);
    const quiet = await publish("quiet", "first");
    for (let index = 0; index < 100; index++) await publish("news", `${index}`);
    const { position, publications } = await broker.history("news", { limit: 100 }, RETENTION);
    expect(position.offset).toBe(100);
    expect(publications.length).toBeGreaterThan(20);
    expect(publications.length).toBeLessThan(100);
    expect(publications.at(-1)?.position).toEqual(position);
    // This topic is empty, so the meaning of its offsets is unknown.
    const next = await publish("quiet", "second");
    expect(next.position.offset).toBe(1);
    expect(next.position.epoch).not.toBe(quiet.position.epoch);
    await expect(open(connection, { maxBytes: 60_000 })).rejects.toThrow(
      expect.objectContaining({ code: "BROKER_REFUSED" }),
    );
  });

  it("refuses a publication that is too large for NATS and does not retry", async () => {
    const broker = await open(await start());
    const draft = { id: "a", data: "x".repeat(2_000_000) };
    await expect(broker.publish("news", draft, RETENTION)).rejects.toThrow(
      expect.objectContaining({ code: "BROKER_REFUSED", isRetryable: false }),
    );
  });

  it("refuses an existing stream that keeps less", async () => {
    const connection = await start();
    await open(connection, { historySize: 10 });
    await open(connection, { historySize: 9 });
    await open(connection, { historySize: 9, maxBytes: 1_000 });
    await expect(open(connection, { historySize: 11 })).rejects.toThrow(
      expect.objectContaining({ code: "BROKER_REFUSED" }),
    );
  });

  it("reports that NATS is not reachable", async () => {
    const connection = await start();
    const stream = jetstream(connection);
    await connection.close();
    await expect(NatsBroker.open(connection, stream)).rejects.toThrow(
      expect.objectContaining({ code: "BROKER_UNAVAILABLE" }),
    );
  });

  it("tells subscribers about unreadable messages and continues", async () => {
    const connection = await start();
    await using topics = new Topics({ broker: await open(connection) });
    const topic = topics.topic("news");
    const socket = new RecordingSocket();
    await topic.subscribe(socket);
    const { position } = await topic.publish("1");
    for (const text of ["", "x", `${position.epoch}:9`]) {
      connection.publish("tideway.live.news", text);
    }
    // As a server with a later version of the payload does.
    await jetstream(connection).publish("tideway.log.news", `${position.epoch}:2 {"v":2}`);
    await topic.publish("3");
    await expect.poll(() => texts(socket)).toEqual(["1", "3"]);
    expect(received(socket).map(({ type }) => type)).toEqual([
      "subscribed",
      "publication",
      "lost",
      "publication",
    ]);
  });

  it.each(["", "not a publication", "no-position {}", '{"v":3}'])(
    "tells subscribers about the loss and continues when %j is stored on a topic",
    async (unreadable) => {
      const connection = await start();
      const client = jetstream(connection);
      await using topics = new Topics({ broker: await open(connection) });
      const topic = topics.topic("news");
      const socket = new RecordingSocket();
      await topic.subscribe(socket);
      await topic.publish("1");
      await expect.poll(() => texts(socket)).toEqual(["1"]);
      await client.publish("tideway.log.news", unreadable);
      await topic.publish("2");
      await expect.poll(() => texts(socket)).toEqual(["1", "2"]);
      expect(received(socket).map(({ type }) => type)).toEqual([
        "subscribed",
        "publication",
        "lost",
        "publication",
      ]);
      // A server that starts with the unreadable message as the last message.
      await client.publish("tideway.log.news", unreadable);
      const later = await open(connection);
      const page = await later.history("news", { limit: 10 }, RETENTION);
      expect(page.position.offset).toBe(4);
      const next = await later.publish("news", { id: "3", data: "3" }, RETENTION);
      expect(next.position).toEqual({ ...page.position, offset: 5 });
      await expect.poll(() => texts(socket)).toEqual(["1", "2", "3"]);
    },
  );

  it("starts a topic without a readable message", async () => {
    const connection = await start();
    const broker = await open(connection);
    await jetstream(connection).publish("tideway.log.news", "x");
    const { position } = await broker.publish("news", { id: "1", data: "1" }, RETENTION);
    const page = await broker.history("news", { limit: 10 }, RETENTION);
    expect(page).toEqual({ position, publications: [{ position, id: "1", data: "1" }] });
  });

  it("begins another epoch when the last offset is used", async () => {
    const connection = await start();
    const broker = await open(connection);
    const last = { epoch: "e", offset: Number.MAX_SAFE_INTEGER };
    await jetstream(connection).publish("tideway.log.news", `e:${last.offset} {"v":1}`);
    const { position } = await broker.history("news", { limit: 0 }, RETENTION);
    expect(position).toEqual(last);
    const next = await broker.publish("news", { id: "1", data: "1" }, RETENTION);
    expect(next.position.epoch).not.toBe("e");
    expect((await broker.history("news", { limit: 1 }, RETENTION)).position).toEqual(next.position);
  });

  it.each([
    { prefix: "a b" },
    { stream: "a.b" },
    { historySize: 0 },
    { maxBytes: 0 },
    { maxTopics: 1.5 },
    { other: 1 },
  ])("refuses the options %o", async (options) => {
    await expect(NatsBroker.open({} as never, {} as never, options as never)).rejects.toThrow(
      expect.objectContaining({ code: "INVALID_OPTION" }),
    );
  });
});
