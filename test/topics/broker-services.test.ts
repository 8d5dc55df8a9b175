// Runs the broker suite against servers that are already running, such as another release of Redis or NATS in a
// container. REDIS_URL and NATS_URL name them. The tests delete what is stored there.
import { once } from "node:events";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { Redis } from "ioredis";
import { createClient } from "redis";
import { type BrokerHarness, brokerSuite } from "tideway/testing";
import { NatsBroker } from "tideway/topics/nats";
import { RedisBroker, type RedisClient } from "tideway/topics/redis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CuttableProxy } from "../support/cuttable-proxy.ts";

const { REDIS_URL, NATS_URL } = process.env;

/** Registers the cases of the broker suite that do not restart the server. */
function itPassesTheSuite(harness: BrokerHarness): void {
  const suite = brokerSuite(harness);
  it.each(suite.map(({ name, run }) => [name, run] as const))("%s", async (_, run) => {
    await expect(run()).resolves.toBeUndefined();
  });
}

describe.each(["redis", "ioredis"])("RedisBroker on REDIS_URL, by %s", (library) => {
  describe.skipIf(REDIS_URL === undefined)("[skipped without REDIS_URL]", () => {
    const ends: (() => unknown)[] = [];
    let proxy: CuttableProxy;

    beforeAll(async () => {
      proxy = await proxyTo(REDIS_URL!, 6379);
    });

    afterAll(async () => {
      for (const end of ends) end();
      await proxy[Symbol.asyncDispose]();
    });

    async function connectClient(): Promise<RedisClient> {
      const url = `redis://127.0.0.1:${proxy.port}`;
      if (library === "redis") {
        const client = createClient({ url });
        client.on("error", () => {});
        ends.push(() => client.destroy());
        return await client.connect();
      }
      const client = new Redis(url, { retryStrategy: () => 50 });
      client.on("error", () => {});
      ends.push(() => client.disconnect());
      await once(client, "ready");
      return client;
    }

    itPassesTheSuite({
      open: async () => await RedisBroker.open(await connectClient(), { isDurable: true }),
      openLimited: async (maxTopics) =>
        await RedisBroker.open(await connectClient(), { maxTopics }),
      interrupt: () => Promise.resolve(proxy.cut()),
      async forget() {
        const admin = new Redis(REDIS_URL!);
        await admin.flushall();
        admin.disconnect();
      },
    });
  });
});

describe.skipIf(NATS_URL === undefined)("NatsBroker on NATS_URL [skipped without NATS_URL]", () => {
  const connections: NatsConnection[] = [];
  let proxy: CuttableProxy;

  beforeAll(async () => {
    proxy = await proxyTo(NATS_URL!, 4222);
  });

  afterAll(async () => {
    await Promise.all(connections.map((connection) => connection.close()));
    await proxy[Symbol.asyncDispose]();
  });

  async function connectTo(port: number): Promise<NatsConnection> {
    const connection = await connect({
      servers: `127.0.0.1:${port}`,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 50,
      timeout: 2_000,
    });
    connections.push(connection);
    return connection;
  }

  itPassesTheSuite({
    async open() {
      const connection = await connectTo(proxy.port);
      return NatsBroker.open(connection, jetstream(connection, { timeout: 1_000 }));
    },
    async openLimited(maxTopics) {
      const connection = await connectTo(proxy.port);
      return NatsBroker.open(connection, jetstream(connection), { maxTopics });
    },
    interrupt: () => Promise.resolve(proxy.cut()),
    async forget() {
      const admin = await connectTo(Number(new URL(NATS_URL!).port || 4222));
      await (await jetstreamManager(admin)).streams.purge("TIDEWAY");
    },
  });
});

/** Connections through this proxy can be cut, without a right to close them on the server. */
function proxyTo(url: string, defaultPort: number): Promise<CuttableProxy> {
  return CuttableProxy.to(Number(new URL(url).port || defaultPort));
}
