import { once } from "node:events";
import { Cluster, Redis } from "ioredis";
import { createClient, createCluster } from "redis";
import { brokerSuite } from "tideway/testing";
import { type Broker, type BrokerListener, Topics } from "tideway/topics";
import { RedisBroker, type RedisBrokerOptions, type RedisClient } from "tideway/topics/redis";
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { CuttableProxy } from "../../support/cuttable-proxy.ts";
import { Engine } from "../../support/engine.ts";
import { describeWithEngine } from "../../support/with-engine.ts";
import { resumeMany } from "../many-subscriptions.ts";
import { RoundTrips } from "../round-trips.ts";
import { RecordingSocket, received, texts } from "../support.ts";

const RETENTION = { size: 100, bytes: 1_000_000, ageMs: 60_000, idWindowMs: 60_000 };

/** A client and the function that ends it. */
interface TestClient {
  readonly client: RedisClient;
  readonly end: () => void;
}

async function nodeRedis(port: number): Promise<TestClient> {
  const client = createClient({ socket: { port, host: "127.0.0.1" } });
  client.on("error", () => {});
  await client.connect();
  return { client, end: () => client.destroy() };
}

async function ioRedis(port: number): Promise<TestClient> {
  const client = new Redis({ port, host: "127.0.0.1", retryStrategy: () => 50 });
  client.on("error", () => {});
  await once(client, "ready");
  return { client, end: () => client.disconnect() };
}

async function ioRedisCluster(port: number): Promise<TestClient> {
  const client = new Cluster([{ port, host: "127.0.0.1" }], {
    clusterRetryStrategy: () => 50,
  });
  client.on("error", () => {});
  await once(client, "ready");
  return { client, end: () => client.disconnect() };
}

async function nodeRedisCluster(port: number): Promise<TestClient> {
  const client = createCluster({ rootNodes: [{ socket: { port, host: "127.0.0.1" } }] });
  client.on("error", () => {});
  await client.connect();
  return { client, end: () => client.destroy() };
}

describeWithEngine("redis", "RedisBroker", (path) => {
  describe.each([
    { name: "redis", connect: nodeRedis, isCluster: false },
    { name: "ioredis", connect: ioRedis, isCluster: false },
    { name: "ioredis, in cluster mode", connect: ioRedis, isCluster: true },
    { name: "createCluster of redis", connect: nodeRedisCluster, isCluster: true },
    { name: "the Cluster of ioredis", connect: ioRedisCluster, isCluster: true },
  ])("on $name, passes the suite for all brokers: it", ({ connect, isCluster }) => {
    let engine: Engine;
    let admin: TestClient;
    const clients: TestClient[] = [];

    beforeAll(async () => {
      engine = await (isCluster ? Engine.redisNode(path) : Engine.redis(path));
      admin = await ioRedis(engine.port);
      // A single master with all slots refuses scripts with keys in several slots, as any master
      // does.
      if (isCluster) {
        await callAdmin("CLUSTER", "ADDSLOTSRANGE", "0", "16383");
        while (!String(await callAdmin("CLUSTER", "INFO")).includes("cluster_state:ok"));
      }
    });

    afterAll(async () => {
      admin.end();
      for (const { end } of clients) end();
      await engine[Symbol.asyncDispose]();
    });

    const callAdmin = (command: string, ...more: string[]): Promise<unknown> =>
      (admin.client as Redis).call(command, ...more);

    const suite = brokerSuite({
      async open() {
        const client = await connect(engine.port);
        clients.push(client);
        return RedisBroker.open(client.client, { isDurable: true });
      },
      async openLimited(maxTopics) {
        const client = await connect(engine.port);
        clients.push(client);
        return RedisBroker.open(client.client, { maxTopics });
      },
      async interrupt() {
        await callAdmin("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
        await callAdmin("CLIENT", "KILL", "TYPE", "pubsub");
      },
      async restart() {
        await engine.kill();
        await engine.start();
      },
      async forget() {
        await callAdmin("FLUSHALL");
      },
    });
    it.each(suite.map(({ name, run }) => [name, run] as const))("%s", async (_, run) => {
      await expect(run()).resolves.toBeUndefined();
    });
  });

  it.each([
    ["redis", nodeRedis, ["sendCommand"]],
    ["ioredis", ioRedis, ["call"]],
  ])("resumes 1,000 subscriptions in a few round trips, on %s", async (_, connect, commands) => {
    const engine = await start();
    const trips = new RoundTrips();
    const clients: TestClient[] = [];
    onTestFinished(() => {
      for (const { end } of clients) end();
    });
    const openBroker = async (port: number, counted?: RoundTrips): Promise<Broker> => {
      const connected = await connect(port);
      clients.push(connected);
      const { client } = connected;
      if (counted === undefined || !("duplicate" in client)) return RedisBroker.open(client);
      return RedisBroker.open(
        counted.wrap(client, commands as never[], {
          duplicate: () => counted.wrap(client.duplicate(), ["subscribe"] as never[]),
        }),
      );
    };
    const reads = await resumeMany({ port: engine.port, open: openBroker }, trips);
    // To subscribe, to load and run the script that reads positions, and to read what was missed.
    expect(trips.count).toBeLessThanOrEqual(5);
    expect(reads).toBeLessThan(200);
  });

  async function start(...args: string[]): Promise<Engine> {
    const engine = await Engine.redis(path, ...args);
    onTestFinished(() => engine[Symbol.asyncDispose]());
    return engine;
  }

  /** Opens a broker until the test ends. */
  async function openOn({ client, end }: TestClient): Promise<RedisBroker> {
    onTestFinished(end);
    const broker = await RedisBroker.open(client);
    onTestFinished(() => broker.close());
    return broker;
  }

  async function open(engine: Engine): Promise<{ broker: Broker; redis: Redis }> {
    const { client, end } = await ioRedis(engine.port);
    const broker = await RedisBroker.open(client);
    onTestFinished(async () => {
      await broker.close();
      end();
    });
    return { broker, redis: client as Redis };
  }

  it("begins a new epoch after Redis was restarted, unless it is declared durable", async () => {
    const engine = await start();
    const { broker } = await open(engine);
    const { position } = await broker.publish("news", { id: "a", data: "1" }, RETENTION);
    await engine.kill();
    await engine.start();
    const page = await broker.history("news", { limit: 10 }, RETENTION);
    expect(page.position.epoch).not.toBe(position.epoch);
    // The rest can still be read in the new epoch.
    expect(page.publications.map(({ data }) => data)).toEqual(["1"]);
    const next = await broker.publish("news", { id: "b", data: "2" }, RETENTION);
    expect(next.position).toEqual({ epoch: page.position.epoch, offset: 2 });
  });

  /** Opens a broker with a client that ends with the test. */
  async function openWith(
    client: RedisClient & { destroy?(): void; disconnect?(): void },
    options?: RedisBrokerOptions,
  ): Promise<Broker> {
    const broker = await RedisBroker.open(client, options);
    onTestFinished(async () => {
      await broker.close();
      if (client.disconnect === undefined) client.destroy?.();
      else client.disconnect();
    });
    return broker;
  }

  /** A listener that records volatile messages. */
  function recorder(): BrokerListener & { readonly messages: unknown[] } {
    const messages: unknown[] = [];
    return {
      messages,
      onPublication() {},
      onInterruption() {},
      onPresenceChange() {},
      onMessage: ({ data }) => messages.push(data),
    };
  }

  it("receives messages after the socketTimeout of a client of redis", async () => {
    const engine = await start();
    const other = await open(engine);
    const socket = { port: engine.port, host: "127.0.0.1", socketTimeout: 100 };
    const client = createClient({ socket });
    client.on("error", () => {});
    await client.connect();
    const broker = await RedisBroker.open(client);
    onTestFinished(() => broker.close());
    const listener = recorder();
    await broker.subscribe("news", listener);
    // The last command of this connection is later than the last one of the connection for subscriptions.
    const ended = once(client, "terminated");
    await client.ping();
    await ended;
    await other.broker.send?.("news", { data: "1" });
    await expect.poll(() => listener.messages).toEqual(["1"]);
    const connections = await other.redis.call("CLIENT", "LIST", "TYPE", "pubsub");
    expect(connections).toMatch(/^id=[^\n]*\n$/);
  });

  it.each([
    ["redis", (port: number) => createClient({ socket: { port } })],
    ["redis, RESP 2", (port: number) => createClient({ socket: { port }, RESP: 2 })],
    ["ioredis", (port: number) => new Redis(port)],
    ["ioredis, RESP 2", (port: number) => new Redis(port, { protocol: 2 })],
  ])("sends a PING on the connection for subscriptions of %s", async (_, create) => {
    const engine = await start();
    const { redis: admin } = await open(engine);
    const client = create(engine.port);
    client.on("error", () => {});
    if ("destroy" in client) await client.connect();
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const broker = await openWith(client);
    const listener = recorder();
    await broker.subscribe("news", listener);
    const connections = (): Promise<unknown> => admin.call("CLIENT", "LIST", "TYPE", "pubsub");
    const idOf = (list: unknown): string => /\bid=(\d+)/.exec(String(list))![1];
    const before = idOf(await connections());
    for (let count = 0; count < 5; count++) {
      await vi.advanceTimersByTimeAsync(5_000);
      // Redis and this process have handled the PING.
      while (!/\bcmd=ping\b/.test(String(await connections()))) await admin.ping();
      await broker.send?.("news", { data: `${count}` });
      while (listener.messages.length <= count) await admin.ping();
      await broker.subscribe(`topic-${count}`, listener);
    }
    expect(idOf(await connections())).toBe(before);
  });

  it.each([
    ["redis", nodeRedis],
    ["ioredis", ioRedis],
  ])("replaces a connection for subscriptions that is silent, on %s", async (_, connect) => {
    const engine = await start();
    await using proxy = await CuttableProxy.to(engine.port);
    const { client, end } = await connect(proxy.port);
    onTestFinished(end);
    const other = await open(engine);
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const broker = await RedisBroker.open(client);
    onTestFinished(() => broker.close());
    let interruptions = 0;
    const listener = { ...recorder(), onInterruption: () => interruptions++ };
    await broker.subscribe("news", listener);
    proxy.hold();
    await vi.advanceTimersByTimeAsync(21_000);
    proxy.release();
    while (interruptions === 0) {
      await vi.advanceTimersByTimeAsync(10);
      await other.redis.ping();
    }
    await other.broker.send?.("news", { data: "1" });
    while (listener.messages.length === 0) await other.redis.ping();
    expect(listener.messages).toEqual(["1"]);
  });

  it("delivers a message once if Redis has not confirmed the end of an earlier subscription", async () => {
    const engine = await start();
    await using proxy = await CuttableProxy.to(engine.port);
    const broker = await openOn(await nodeRedis(proxy.port));
    const other = await open(engine);
    const listener = recorder();
    const stop = await broker.subscribe("news", listener);
    proxy.stall("answers");
    const stopping = stop();
    await expect.poll(() => other.redis.pubsub("CHANNELS")).toEqual([]);
    proxy.resume();
    await stopping;
    await broker.subscribe("news", listener);
    await other.broker.send?.("news", { data: "1" });
    await other.broker.send?.("news", { data: "2" });
    await expect.poll(() => listener.messages.at(-1)).toBe("2");
    expect(listener.messages).toEqual(["1", "2"]);
  });

  it.each([
    ["redis", nodeRedis],
    ["ioredis", ioRedis],
  ])(
    "does not store a publication again that arrives after its id is forgotten, on %s",
    async (_, connect) => {
      const engine = await start();
      await using proxy = await CuttableProxy.to(engine.port);
      const broker = await openOn(await connect(proxy.port));
      const { redis: admin } = await open(engine);
      const retention = { ...RETENTION, idWindowMs: 2_000 };
      const first = await broker.publish("news", { id: "a", data: "1" }, retention);
      proxy.hold();
      const again = broker.publish("news", { id: "a", data: "1" }, retention);
      await expect.poll(() => admin.exists("tideway:{news}:id:a"), { timeout: 10_000 }).toBe(0);
      proxy.release();
      await expect(again).rejects.toMatchObject({
        code: "BROKER_UNAVAILABLE",
        isRetryable: true,
        message: expect.stringContaining("more than 1000 ms after it was sent") as string,
      });
      const second = await broker.publish("news", { id: "b", data: "2" }, retention);
      expect(second.position).toEqual({ ...first.position, offset: 2 });
      const { publications } = await broker.history("news", { limit: 10 }, retention);
      expect(publications.map(({ data }) => data)).toEqual(["1", "2"]);
    },
  );

  it("stores a publication after Redis has changed its clock", async () => {
    const { redis } = await open(await start());
    // A client that has another clock at first.
    const call = redis.call.bind(redis) as (...args: string[]) => Promise<unknown>;
    const other = Object.assign(Object.create(redis) as Redis, {
      call: (...args: string[]) => (args[0] === "TIME" ? ["1000", "0"] : call(...args)),
      duplicate: () => redis.duplicate(),
    });
    const broker = await RedisBroker.open(other);
    onTestFinished(() => broker.close());
    const { position } = await broker.publish("news", { id: "a", data: "1" }, RETENTION);
    expect(position.offset).toBe(1);
  });

  it("delivers a message once although ioredis sends it again on a new connection", async () => {
    const engine = await start();
    await using proxy = await CuttableProxy.to(engine.port);
    const broker = await openOn(await ioRedis(proxy.port));
    const listener = recorder();
    await (await open(engine)).broker.subscribe("news", listener);
    await broker.send("news", { data: "1" });
    proxy.stall("answers");
    const sending = broker.send("news", { data: "2" });
    await expect.poll(() => listener.messages).toEqual(["1", "2"]);
    proxy.resume();
    await sending;
    await broker.send("news", { data: "3" });
    await expect.poll(() => listener.messages.at(-1)).toBe("3");
    expect(listener.messages).toEqual(["1", "2", "3"]);
  });

  it("accepts a client of ioredis that connects at its first command", async () => {
    const { port } = await start();
    const broker = await openWith(new Redis(port, { lazyConnect: true }));
    const listener = recorder();
    await broker.subscribe("news", listener);
    await broker.send?.("news", { data: "1" });
    await expect.poll(() => listener.messages).toEqual(["1"]);
  });

  it("refuses a client of ioredis with keyPrefix, which does not apply to channels", async () => {
    const [client, cluster] = [
      new Redis({ keyPrefix: "app:", lazyConnect: true }),
      new Cluster([], { keyPrefix: "app:", lazyConnect: true }),
    ];
    for (const refused of [client, cluster]) {
      await expect(RedisBroker.open(refused)).rejects.toThrow(
        expect.objectContaining({
          code: "INVALID_OPTION",
          message: expect.stringContaining('keyPrefix "app:"') as string,
        }),
      );
    }
  });

  it("begins a new epoch after a failover to a replica and back, although the first server has run throughout", async () => {
    const [first, second] = [await start(), await start()];
    const { broker, redis } = await open(first);
    const { broker: onSecond, redis: replica } = await open(second);
    const follow = async (from: Redis, to: Redis, port: number): Promise<void> => {
      await from.replicaof("127.0.0.1", port);
      while (!(await from.info("replication")).includes("master_link_status:up")) await to.ping();
      await to.call("WAIT", "1", "0");
    };
    await follow(replica, redis, first.port);
    const before = await broker.publish("news", { id: "a", data: "1" }, RETENTION);
    await redis.call("WAIT", "1", "0");
    await replica.call("REPLICAOF", "NO", "ONE");
    await follow(redis, replica, second.port);
    // The first server is promoted before it has received this publication.
    await redis.call("REPLICAOF", "NO", "ONE");
    const lost = await onSecond.publish("news", { id: "b", data: "2" }, RETENTION);
    const after = await broker.publish("news", { id: "c", data: "3" }, RETENTION);
    const epochs = [before, lost, after].map(({ position }) => position.epoch);
    expect(new Set(epochs).size).toBe(3);
  });

  it("keeps the epoch without a restart or a failover", async () => {
    const { broker, redis } = await open(await start());
    const { position } = await broker.publish("news", { id: "a", data: "1" }, RETENTION);
    await redis.bgsave();
    const next = await broker.publish("news", { id: "b", data: "2" }, RETENTION);
    expect(next.position).toEqual({ ...position, offset: 2 });
  });

  it("limits the history by size and bytes", async () => {
    const { broker } = await open(await start());
    const publish = async (topic: string, retention: typeof RETENTION): Promise<number> => {
      for (let count = 0; count < 30; count++) {
        const draft = { id: `${count}`, data: "x".repeat(100) };
        await broker.publish(topic, draft, retention);
      }
      return (await broker.history(topic, { limit: 100 }, retention)).publications.length;
    };
    expect(await publish("size", { ...RETENTION, size: 7 })).toBe(7);
    const kept = await publish("bytes", { ...RETENTION, bytes: 1_000 });
    expect(kept).toBeGreaterThan(0);
    expect(kept).toBeLessThan(10);
  });

  it("returns nothing older than the maximum age", async () => {
    const { broker, redis } = await open(await start());
    await broker.publish("news", { id: "a", data: "old" }, RETENTION);
    const [secondsBefore] = await redis.time();
    let seconds = secondsBefore;
    while (seconds < Number(secondsBefore) + 2) [seconds] = await redis.time();
    await broker.publish("news", { id: "b", data: "new" }, RETENTION);
    const page = await broker.history("news", { limit: 10 }, { ...RETENTION, ageMs: 1_000 });
    expect(page.publications.map(({ data }) => data)).toEqual(["new"]);
  });

  it("reports at once that Redis is not reachable", async () => {
    const engine = await start();
    const { client, end } = await ioRedis(engine.port);
    onTestFinished(() => end());
    await engine.kill();
    await expect(RedisBroker.open(client, { connectTimeoutMs: 300 })).rejects.toThrow(
      expect.objectContaining({
        code: "BROKER_UNAVAILABLE",
        message: expect.stringContaining("ECONNREFUSED") as string,
      }),
    );
  });

  it("names the problem of a client that was never connected", async () => {
    const engine = await start();
    const client = createClient({ socket: { port: engine.port, host: "127.0.0.1" } });
    await expect(RedisBroker.open(client)).rejects.toThrow("The client is closed");
  });

  it("keeps the epoch of a quiet topic while its history is read", async () => {
    const engine = await start();
    const { broker, redis } = await open(engine);
    const { position } = await broker.publish("news", { id: "a", data: "1" }, RETENTION);
    // As if it was quiet for nearly as long as it is kept.
    for (const key of ["meta", "log"]) await redis.pexpire(`tideway:{news}:${key}`, 5_000);
    expect((await broker.history("news", { limit: 1 }, RETENTION)).position).toEqual(position);
    expect(await redis.pttl("tideway:{news}:meta")).toBeGreaterThan(60_000);
  });

  it("passes on a refusal of Redis and does not retry", async () => {
    const engine = await start("--maxmemory", "1", "--maxmemory-policy", "noeviction");
    const { broker } = await open(engine);
    await expect(broker.publish("news", { id: "a", data: "" }, RETENTION)).rejects.toThrow(
      expect.objectContaining({ code: "BROKER_REFUSED", isRetryable: false }),
    );
  });

  it("tells subscribers about unreadable entries and continues", async () => {
    const engine = await start();
    const { broker, redis } = await open(engine);
    await using topics = new Topics({ broker });
    const topic = topics.topic("news");
    const socket = new RecordingSocket();
    await topic.subscribe(socket);
    await topic.publish("1");
    // As a server with a later version of the payload does.
    const [payload] = (await redis.xrange("tideway:{news}:log", "-", "+"))[0][1].slice(1);
    const later = payload.replace('"v":1', '"v":2');
    await redis.xadd("tideway:{news}:log", "2-0", "payload", later, "length", "9", "at", "9e15");
    await redis.hset("tideway:{news}:meta", "offset", "2");
    const { position } = await topic.history({ limit: 0 });
    await redis.publish("tideway:{news}:live", `${position.epoch}:2 ${later}`);
    for (const garbage of ["x", "a:b c", `${position.epoch}:3`, `${position.epoch}:4 null`]) {
      await redis.publish("tideway:{news}:live", garbage);
    }
    await topic.publish("3");
    await expect.poll(() => texts(socket)).toEqual(["1", "3"]);
    expect(received(socket).map(({ type }) => type)).toEqual([
      "subscribed",
      "publication",
      "lost",
      "publication",
    ]);
  });

  it("tells subscribers about a loss when another program adds to the log", async () => {
    const { broker, redis } = await open(await start());
    await using topics = new Topics({ broker });
    const topic = topics.topic("news");
    const socket = new RecordingSocket();
    await topic.subscribe(socket);
    await topic.publish("1");
    for (let count = 0; count < 3; count++) await redis.xadd("tideway:{news}:log", "*", "a", "b");
    const before = await topic.history();
    expect(before.publications.map(({ data }) => data)).toEqual(["1"]);
    const { position } = await topic.publish("2");
    expect(position).toEqual({ ...before.position, offset: 3 });
    await expect.poll(() => texts(socket)).toEqual(["1", "2"]);
    expect(received(socket).map(({ type }) => type)).toEqual([
      "subscribed",
      "publication",
      "lost",
      "publication",
    ]);
    const after = await topic.history();
    expect(after.publications.map(({ data }) => data)).toEqual(["1", "2"]);
  });

  it.each([
    ["payload", "x", "length", "9"],
    ["payload", "x", "length", "9", "at", "soon"],
    ["payload", "x", "length", "nine", "at", "9e15"],
    ["a", "b"],
  ])(
    "omits the entry %j from the history and deletes it when it is the oldest",
    async (...fields) => {
      const { broker, redis } = await open(await start());
      await broker.history("news", { limit: 0 }, RETENTION);
      await redis.xadd("tideway:{news}:log", "1-0", ...fields);
      await redis.hset("tideway:{news}:meta", "offset", "1");
      const retention = { ...RETENTION, size: 2 };
      for (const data of ["2", "3", "4"]) {
        await broker.publish("news", { id: data, data }, retention);
        const { publications } = await broker.history("news", { limit: 10 }, RETENTION);
        expect(publications.at(-1)!.data).toBe(data);
        expect(publications.every(({ position }) => position.offset > 1)).toBe(true);
      }
      expect(await redis.xlen("tideway:{news}:log")).toBe(2);
    },
  );

  it.each([
    { epoch: "a b", offset: "1" },
    { epoch: "e", offset: "one" },
    { epoch: "e", offset: "-1" },
    { epoch: "e", offset: "9007199254740991" },
  ])("begins another epoch when the state of a topic is %j", async (state) => {
    const { broker, redis } = await open(await start());
    await redis.hset("tideway:{news}:meta", { ...state, replid: "x" });
    const { position } = await broker.publish("news", { id: "1", data: "1" }, RETENTION);
    expect(position.offset).toBe(1);
    const { publications } = await broker.history("news", { limit: 10 }, RETENTION);
    expect(publications).toEqual([{ position, id: "1", data: "1" }]);
  });

  it("rejects an invalid response of Redis", async () => {
    const engine = await start();
    const { client, end } = await ioRedis(engine.port);
    onTestFinished(() => end());
    const lying = Object.assign(Object.create(client) as Redis, {
      call: (command: string) =>
        Promise.resolve(command === "TIME" ? ["1700000000", "0"] : [7, null, {}]),
      duplicate: () => (client as Redis).duplicate(),
    });
    const broker = await RedisBroker.open(lying);
    onTestFinished(() => broker.close());
    for (const call of [
      // One after another: a rejection before it is awaited counts as unhandled.
      () => broker.publish("news", { id: "a", data: "" }, RETENTION),
      () => broker.history("news", { limit: 1 }, RETENTION),
      () => broker.members("news"),
    ]) {
      await expect(call()).rejects.toThrow(
        expect.objectContaining({ code: "BROKER_ANSWER_INVALID", isRetryable: false }),
      );
    }
  });

  it("begins each key with its prefix, so that brokers can share a database", async () => {
    const { port } = await start();
    const { client, end } = await ioRedis(port);
    onTestFinished(() => end());
    const [a, b] = [
      await RedisBroker.open(client, { prefix: "a:" }),
      await RedisBroker.open(client, { prefix: "" }),
    ];
    onTestFinished(async () => void (await Promise.all([a.close(), b.close()])));
    await a.publish("news", { id: "1", data: "1" }, RETENTION);
    await a.enter("news", { key: "1", value: "ann" }, 60_000);
    const keys = await (client as Redis).keys("*");
    expect(keys.length).toBeGreaterThan(3);
    expect(keys.filter((key) => !key.startsWith("a:{news}:"))).toEqual([]);
    const { publications } = await b.history("news", { limit: 10 }, RETENTION);
    expect([publications, await b.members("news")]).toEqual([[], []]);
  });

  it.each([
    { prefix: "{" },
    { prefix: "}" },
    { prefix: null },
    { isSharded: "yes" },
    { prefix: 7 },
    { isDurable: 1 },
    { connectTimeoutMs: 0 },
    { maxTopics: 0 },
    { other: 1 },
  ])("refuses the options %o", async (options) => {
    const { client, end } = await ioRedis((await start()).port);
    onTestFinished(() => end());
    await expect(RedisBroker.open(client, options as never)).rejects.toThrow(
      expect.objectContaining({ code: "INVALID_OPTION" }),
    );
  });
});
