import { jetstream } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { BrokerError, type BrokerPublishResult } from "tideway/topics";
import { NatsBroker } from "tideway/topics/nats";
import { expect, it, onTestFinished } from "vitest";
import { Engine } from "../../support/engine.ts";
import { describeWithEngine } from "../../support/with-engine.ts";

const RETENTION = { size: 1_000, bytes: 1_000_000, ageMs: 60_000, idWindowMs: 60_000 };

describeWithEngine("nats", "NatsBroker in a cluster", (path) => {
  async function connectTo(engines: readonly Engine[]): Promise<NatsConnection> {
    const servers = engines.map(({ port }) => `127.0.0.1:${port}`);
    const connection = await connect({ servers, maxReconnectAttempts: -1, reconnectTimeWait: 50 });
    onTestFinished(() => connection.close());
    return connection;
  }

  /** Opens a broker. Waits until the cluster has a leader. */
  async function open(connection: NatsConnection): Promise<NatsBroker> {
    const client = jetstream(connection, { timeout: 500 });
    const broker = await retry(() => NatsBroker.open(connection, client, { replicas: 3 }));
    onTestFinished(() => broker.close());
    return broker;
  }

  it("stores what several servers publish, once each, and continues without a killed NATS server", async () => {
    const engines = await Engine.natsCluster(path, 3);
    onTestFinished(async () => {
      await Promise.all(engines.map((engine) => engine[Symbol.asyncDispose]()));
    });
    const brokers = [
      await open(await connectTo(engines.slice(0, 2))),
      await open(await connectTo(engines.slice(1, 3))),
    ];
    const receipts: BrokerPublishResult[] = [];
    const publishAll = async (server: number): Promise<void> => {
      for (let index = 0; index < 500; index++) {
        const draft = { id: `${server}-${index}`, data: "x" };
        receipts.push(await brokers[server].publish("news", draft, RETENTION));
      }
    };
    await Promise.all([publishAll(0), publishAll(1)]);
    const all = Array.from({ length: 1_000 }, (_, index) => index + 1);
    const offsets = receipts.map(({ position }) => position.offset);
    expect(offsets.toSorted((one, other) => one - other)).toEqual(all);
    for (const broker of brokers) {
      const { publications } = await broker.history("news", { limit: 1_000 }, RETENTION);
      expect(publications.map(({ position }) => position.offset)).toEqual(all);
      expect(new Set(publications.map(({ id }) => id)).size).toBe(1_000);
    }
    for (const key of ["a", "b"]) {
      await brokers[0].enter("room", { key, value: key }, 60_000);
      expect(await brokers[1].members("room")).toContainEqual({ key, value: key });
    }

    await engines[0].kill();
    for (const [server, broker] of brokers.entries()) {
      const draft = { id: `${server}-after`, data: "x" };
      await retry(() => broker.publish("news", draft, RETENTION));
    }
    const { publications } = await retry(() => brokers[0].history("news", { limit: 2 }, RETENTION));
    expect(publications.map(({ id }) => id)).toEqual(["0-after", "1-after"]);
  });
});

/** Calls until the cluster has a leader. */
async function retry<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof BrokerError && error.isRetryable)) throw error;
    }
  }
}
