/**
 * Subscribes to a topic on Redis or NATS and publishes to it four times a second. The test
 * `debug-log.engine.test.ts` kills and restarts Redis or NATS, and then kills this program.
 */
import { jetstream } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { createClient } from "redis";
import { type Broker, Topics } from "tideway/topics";
import { NatsBroker } from "tideway/topics/nats";
import { RedisBroker } from "tideway/topics/redis";

const [, , engine, port] = process.argv;

async function openBroker(): Promise<Broker> {
  if (engine === "redis") {
    const client = createClient({ url: `redis://127.0.0.1:${port}` });
    client.on("error", () => {});
    return RedisBroker.open(await client.connect());
  }
  const connection = await connect({
    servers: `127.0.0.1:${port}`,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 50,
  });
  return NatsBroker.open(connection, jetstream(connection));
}

const topics = new Topics({
  broker: await openBroker(),
  onError() {},
  requestTimeoutMs: 200,
  checkIntervalMs: 50,
});
const topic = topics.topic("room");
await topic.subscribe({
  readyState: 1,
  bufferedAmount: 0,
  done: new Promise(() => {}),
  drained: Promise.resolve(),
  send: () => true,
  close() {},
});
setInterval(() => void topic.publish("SECRET").catch(() => {}), 250);
console.log("ready");
