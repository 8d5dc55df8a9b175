/**
 * Runs the broker suite against an engine that it starts, kills and starts again. Prints the results of all cases as
 * JSON. Usage: PROGRAM nats|redis|ioredis PATH_OF_ENGINE
 */
import { once } from "node:events";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { Redis } from "ioredis";
import { createClient } from "redis";
import { type BrokerHarness, brokerSuite } from "tideway/testing";
import { NatsBroker } from "tideway/topics/nats";
import { RedisBroker, type RedisClient } from "tideway/topics/redis";
import { CuttableProxy } from "../support/cuttable-proxy.ts";
import { Engine } from "../support/engine.ts";

/** The result of one case: undefined if it passed, otherwise its error. */
export type CaseResult = readonly [name: string, failure?: string];

const [library, path] = process.argv.slice(2);
const engine = await (library === "nats" ? Engine.nats(path) : Engine.redis(path));
const proxy = await CuttableProxy.to(engine.port);
const results: CaseResult[] = [];
for (const { name, run } of brokerSuite(await openHarness())) {
  try {
    await run();
    results.push([name]);
  } catch (error) {
    results.push([name, String(error)]);
  }
}
console.log(JSON.stringify(results));
await engine[Symbol.asyncDispose]();
process.exit();

async function openHarness(): Promise<BrokerHarness> {
  const engineOptions = {
    interrupt: async () => proxy.cut(),
    async restart() {
      await engine.kill();
      await engine.start();
    },
  };
  if (library === "nats") {
    const admin = await jetstreamManager(await connectNats(engine.port));
    return {
      ...engineOptions,
      async open() {
        const connection = await connectNats(proxy.port);
        return await NatsBroker.open(connection, jetstream(connection, { timeout: 1000 }));
      },
      async openLimited(maxTopics) {
        const connection = await connectNats(proxy.port);
        return await NatsBroker.open(connection, jetstream(connection), { maxTopics });
      },
      forget: async () => void (await admin.streams.purge("TIDEWAY")),
    };
  }
  const open = library === "redis" ? openRedis : openIoRedis;
  const admin = await openIoRedis(engine.port);
  return {
    ...engineOptions,
    open: async () => await RedisBroker.open(await open(proxy.port), { isDurable: true }),
    openLimited: async (maxTopics) => await RedisBroker.open(await open(proxy.port), { maxTopics }),
    forget: async () => void (await (admin as Redis).flushall()),
  };
}

async function connectNats(port: number): Promise<NatsConnection> {
  return await connect({
    servers: `127.0.0.1:${port}`,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 50,
    timeout: 2000,
  });
}

async function openRedis(port: number): Promise<RedisClient> {
  const client = createClient({ socket: { port, host: "127.0.0.1" } });
  client.on("error", () => {});
  return await client.connect();
}

async function openIoRedis(port: number): Promise<RedisClient> {
  const client = new Redis({ port, host: "127.0.0.1", retryStrategy: () => 50 });
  client.on("error", () => {});
  await once(client, "ready");
  return client;
}
