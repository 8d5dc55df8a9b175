/** A cluster of three masters that is reconfigured and broken during publications. */
import { once } from "node:events";
import { Cluster, Redis } from "ioredis";
import { createCluster } from "redis";
import type { Topic } from "tideway/topics";
import { RedisBroker, type RedisClient } from "tideway/topics/redis";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { Engine, freePort } from "../../support/engine.ts";
import { describeWithEngine } from "../../support/with-engine.ts";
import { follow, openTopics, RecordingSocket, texts } from "../support.ts";

const SLOTS = 16_384;
const TOPIC = "news";
const WITH_LONG_TIMEOUT = { timeout: 15_000, interval: 50 };

/** One master, and a connection to it for the test. */
interface Master {
  readonly engine: Engine;
  readonly admin: Redis;
  /** The port on which the masters talk to each other. */
  readonly busPort: number;
  readonly id: string;
}

async function nodeRedis(port: number): Promise<RedisClient> {
  const client = createCluster({ rootNodes: [{ socket: { port, host: "127.0.0.1" } }] });
  client.on("error", () => {});
  await client.connect();
  onTestFinished(() => client.destroy());
  return client;
}

async function ioRedis(port: number): Promise<RedisClient> {
  const client = new Cluster([{ port, host: "127.0.0.1" }], { clusterRetryStrategy: () => 50 });
  client.on("error", () => {});
  await once(client, "ready");
  onTestFinished(() => client.disconnect());
  return client;
}

describeWithEngine("redis", "RedisBroker on a cluster of three masters", (path) => {
  describe.each([
    { name: "createCluster of redis", connect: nodeRedis, isSharded: false },
    { name: "the Cluster of ioredis", connect: ioRedis, isSharded: false },
    { name: "createCluster of redis, sharded,", connect: nodeRedis, isSharded: true },
    { name: "the Cluster of ioredis, sharded,", connect: ioRedis, isSharded: true },
  ])("with $name", ({ connect, isSharded }) => {
    let masters: readonly Master[];
    let topics: readonly [Topic, Topic];
    let brokers: RedisBroker[];
    let socket: RecordingSocket;
    let published: string[];

    beforeEach(async () => {
      masters = await startCluster(path);
      brokers = [];
      const open = async (): Promise<Topic> => {
        const client = await connect(masters[0].engine.port);
        const broker = await RedisBroker.open(client, { isDurable: true, isSharded });
        brokers.push(broker);
        onTestFinished(() => broker.close());
        // Messages that the masters lose while they regroup are found by the periodic check.
        const options = { publishTimeoutMs: 30_000, checkIntervalMs: 1_000, onError() {} };
        return openTopics({ broker, ...options }).topic(TOPIC);
      };
      topics = [await open(), await open()];
      socket = new RecordingSocket();
      published = [];
      await topics[1].subscribe(socket);
    }, 30_000);

    const publish = async (count: number): Promise<void> => {
      for (let index = 0; index < count; index++) {
        const text = `${published.length}`;
        await topics[0].publish(text, { id: text });
        published.push(text);
      }
    };

    const expectAll = async (): Promise<void> => {
      await expect.poll(() => texts(socket).length, WITH_LONG_TIMEOUT).toBe(published.length);
      expect(texts(socket)).toEqual(published);
      follow(socket);
    };

    it("delivers each publication once and in order while the topic moves to another master", async () => {
      await publish(10);
      const publishing = publish(200);
      await moveTopic(masters);
      await publishing;
      await publish(10);
      await expectAll();
    }, 30_000);

    it.runIf(isSharded)("subscribes to each topic only at the master of its slot", async () => {
      const names = Array.from({ length: 12 }, (_, index) => `topic-${index}`);
      const received: string[] = [];
      const stops = await Promise.all(
        names.map((name) =>
          brokers[1].subscribe(name, {
            onPublication: ({ data }) => void received.push(`${name} ${data as string}`),
            onInterruption() {},
            onPresenceChange() {},
            onMessage: ({ data }) => void received.push(`${name} ${data as string}`),
          }),
        ),
      );
      const retention = { size: 10, bytes: 1_000, ageMs: 60_000, idWindowMs: 60_000 };
      for (const name of names) {
        await brokers[0].publish(name, { id: "1", data: "stored" }, retention);
        await brokers[0].send(name, { data: "sent" });
      }
      const expected = names.flatMap((name) => [`${name} stored`, `${name} sent`]).toSorted();
      await expect.poll(() => received.toSorted(), WITH_LONG_TIMEOUT).toEqual(expected);
      const channels = await channelsOf(masters);
      expect(channels.every((some) => some.length > 0)).toBe(true);
      expect(channels.flat().length).toBe(names.length + 1);
      await Promise.all(stops.map((stop) => stop()));
      expect((await channelsOf(masters)).flat()).toEqual([`tideway:{${TOPIC}}:live`]);
    });

    it("loses nothing when each master is killed and restarted", async () => {
      for (const { engine } of masters) {
        const publishing = publish(50);
        await engine.kill();
        await engine.start();
        await publishing;
      }
      await expectAll();
    }, 40_000);
  });
});

async function startCluster(path: string): Promise<readonly Master[]> {
  const masters = await Promise.all([0, 1, 2].map((index) => startMaster(path, index)));
  for (const { engine, busPort } of masters.slice(1)) {
    await masters[0].admin.call("CLUSTER", "MEET", "127.0.0.1", `${engine.port}`, `${busPort}`);
  }
  await untilOk(masters);
  return masters;
}

async function startMaster(path: string, index: number): Promise<Master> {
  const busPort = await freePort();
  const engine = await Engine.redisNode(path, busPort);
  const admin = new Redis({ port: engine.port, host: "127.0.0.1", retryStrategy: () => 50 });
  admin.on("error", () => {});
  onTestFinished(async () => {
    admin.disconnect();
    await engine[Symbol.asyncDispose]();
  });
  await once(admin, "ready");
  const [from, end] = [index, index + 1].map((part) => Math.floor((part * SLOTS) / 3));
  await admin.call("CLUSTER", "ADDSLOTSRANGE", `${from}`, `${end - 1}`);
  await admin.call("CLUSTER", "SET-CONFIG-EPOCH", `${index + 1}`);
  return { engine, admin, busPort, id: String(await admin.call("CLUSTER", "MYID")) };
}

/** Until each master knows the others and all slots. */
async function untilOk(masters: readonly Master[]): Promise<void> {
  const states = (): Promise<unknown[]> =>
    Promise.all(masters.map(({ admin }) => admin.call("CLUSTER", "INFO")));
  const isOk = expect.stringMatching(/cluster_state:ok[^]*cluster_known_nodes:3/) as unknown;
  await expect.poll(states, WITH_LONG_TIMEOUT).toEqual(masters.map(() => isOk));
}

/** The sharded channels of each master that have subscribers. */
function channelsOf(masters: readonly Master[]): Promise<string[][]> {
  return Promise.all(
    masters.map(async ({ admin }) => (await admin.call("PUBSUB", "SHARDCHANNELS")) as string[]),
  );
}

async function ownerOf(masters: readonly Master[]): Promise<Master> {
  const key = `tideway:{${TOPIC}}:log`;
  for (const master of masters) {
    const isHere = await master.admin.exists(key).catch(() => 0);
    if (isHere === 1) return master;
  }
  throw new Error("the topic is nowhere");
}

/** Moves the slot of the topic to another master, key by key, as an administrator does. */
async function moveTopic(masters: readonly Master[]): Promise<void> {
  const from = await ownerOf(masters);
  const to = masters.find((master) => master !== from)!;
  const slot = String(await from.admin.call("CLUSTER", "KEYSLOT", `{${TOPIC}}`));
  await to.admin.call("CLUSTER", "SETSLOT", slot, "IMPORTING", from.id);
  await from.admin.call("CLUSTER", "SETSLOT", slot, "MIGRATING", to.id);
  const address = ["127.0.0.1", `${to.engine.port}`];
  for (;;) {
    const keys = (await from.admin.call("CLUSTER", "GETKEYSINSLOT", slot, "10")) as string[];
    if (keys.length === 0) break;
    await from.admin.call("MIGRATE", ...address, "", "0", "5000", "KEYS", ...keys);
  }
  for (const { admin } of [to, from, ...masters]) {
    await admin.call("CLUSTER", "SETSLOT", slot, "NODE", to.id);
  }
}
