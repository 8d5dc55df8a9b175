import { jetstream } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { createClient } from "redis";
import { type Broker, type Topic, Topics } from "tideway/topics";
import { NatsBroker } from "tideway/topics/nats";
import { RedisBroker } from "tideway/topics/redis";
import { type EngineName, EngineServer } from "./engine.ts";

/** The measurement of `publish` on one topic, without clients. */
export interface Store {
  readonly name: string;
  /** In wall-clock time. The process that publishes and the engine share the machine. */
  readonly publicationsPerSecond?: number;
  /** The reason if there is no figure. */
  readonly reason?: string;
}

/** How to connect to an engine. */
export interface StoreKind {
  readonly name: string;
  readonly engine: EngineName;
  readonly inFlight: number;
  /** The option `noAsyncTraces` of the NATS client, which the guide recommends. */
  readonly noAsyncTraces?: boolean;
}

const IN_FLIGHT = 64;

const PAYLOAD_BYTES = 125;

const TOPIC = "news";

export const STORES: readonly StoreKind[] = [
  { name: "redis, 1 in flight", engine: "redis", inFlight: 1 },
  { name: `redis, ${IN_FLIGHT} in flight`, engine: "redis", inFlight: IN_FLIGHT },
  { name: "nats, 1 in flight", engine: "nats", inFlight: 1, noAsyncTraces: true },
  {
    name: `nats, ${IN_FLIGHT} in flight`,
    engine: "nats",
    inFlight: IN_FLIGHT,
    noAsyncTraces: true,
  },
  { name: `nats with async traces, ${IN_FLIGHT} in flight`, engine: "nats", inFlight: IN_FLIGHT },
];

/** Describes the load in words. */
export const STORE_LOAD: string = `${PAYLOAD_BYTES} B text, one process publishes and has one subscription`;

/** A topic that is connected to an engine. */
interface Connected {
  readonly topic: Topic;
  close(): Promise<void>;
}

/** Measures `publish` through an engine. Never rejects: the result has the reason of a failure. */
export async function measureStore(kind: StoreKind, measuredMs: number): Promise<Store> {
  const { name } = kind;
  let engine: EngineServer | undefined;
  let connected: Connected | undefined;
  try {
    engine = await EngineServer.start(kind.engine);
    connected = await open(kind, engine.port);
    const { topic } = connected;
    await publishFor(topic, kind.inFlight, measuredMs / 4);
    const publicationsPerSecond = await publishFor(topic, kind.inFlight, measuredMs);
    return { name, publicationsPerSecond };
  } catch (error) {
    return { name, reason: (error as Error).message };
  } finally {
    await connected?.close();
    await engine?.stop();
  }
}

/** Publishes for some time. Returns the number of stored publications per second. */
async function publishFor(topic: Topic, inFlight: number, durationMs: number): Promise<number> {
  const history = await topic.history({ limit: 0 });
  const text = "x".repeat(PAYLOAD_BYTES);
  const startMs = performance.now();
  const isDone = (): boolean => performance.now() - startMs >= durationMs;
  const publishInTurn = async (): Promise<number> => {
    let last = 0;
    while (!isDone()) last = (await topic.publish(text)).position.offset;
    return last;
  };
  const last = Math.max(...(await Promise.all(Array.from({ length: inFlight }, publishInTurn))));
  return (last - history.position.offset) / ((performance.now() - startMs) / 1_000);
}

async function open(
  { engine, noAsyncTraces = false }: StoreKind,
  port: number,
): Promise<Connected> {
  if (engine === "redis") {
    const client = createClient({ socket: { port, host: "127.0.0.1" } });
    client.on("error", () => {});
    const broker = await RedisBroker.open(await client.connect());
    return connectedBy(broker, () => client.destroy());
  }
  const connection = await connect({ servers: `127.0.0.1:${port}`, noAsyncTraces });
  const broker = await NatsBroker.open(connection, jetstream(connection));
  return connectedBy(broker, () => connection.close());
}

async function connectedBy(broker: Broker, disconnect: () => unknown): Promise<Connected> {
  await broker.subscribe(TOPIC, {
    onPublication() {},
    onInterruption() {},
    onPresenceChange() {},
  });
  const topics = new Topics({ broker });
  return {
    topic: topics.topic(TOPIC),
    async close() {
      await topics.close();
      await broker.close();
      await disconnect();
    },
  };
}
