/**
 * How many deliveries a second topics make, and how long one takes: `npm run bench:topics`. Clients,
 * nodes and engine share the machine, so the figures are those of all of them together.
 */
import { rm } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { WebSocket } from "tideway";
import { Engine } from "../support/engine.ts";
import { ensureEngine } from "../support/engines-setup.ts";
import type { NodeSettings } from "./node.ts";
import { bundleNode, NodeProcess } from "./node-process.ts";

const SUBSCRIBERS = 200;
const LATENCY_SAMPLES = 500;
const THROUGHPUT_MS = 5_000;
/** Publishing goes on as fast as so many may be on their way. */
const UNDER_WAY = 64;
const TOPIC = "news";

const file = await bundleNode();
try {
  await measure({ engine: "memory", port: 0 }, 1);
  for (const engine of ["redis", "nats"] as const) {
    const { path, reason } = ensureEngine(`${engine}-server`);
    if (path === undefined) {
      console.log(`${engine}: left out, ${reason}`);
      continue;
    }
    const server = await Engine[engine](path);
    await measure({ engine, port: server.port }, 2);
    await server[Symbol.asyncDispose]();
  }
} finally {
  await Promise.all([rm(file), rm(`${file}.map`)]);
}

async function measure(settings: NodeSettings, nodeCount: number): Promise<void> {
  const nodes = Array.from({ length: nodeCount }, () => new NodeProcess(file, settings));
  await Promise.all(nodes.map((node) => node.start()));
  const open = (index: number): Promise<WebSocket> => connect(nodes[index % nodeCount].port!);
  const subscribers = await Promise.all(Array.from({ length: SUBSCRIBERS }, (_, at) => open(at)));
  const publisher = await open(0);

  // The last of the subscribers is on another node than the publisher, where there are two.
  const latencies = await measureLatency(publisher, subscribers.at(-1)!);
  const { stored, delivered } = await measureThroughput(publisher, subscribers);
  const [p50, p99] = [0.5, 0.99].map((part) => latencies[Math.floor(part * latencies.length)]);
  console.log(
    `${settings.engine}, ${nodeCount} node${nodeCount > 1 ? "s" : ""}, ${SUBSCRIBERS} subscribers: ` +
      `${Math.round(delivered)} deliveries/s of ${Math.round(stored)} publications/s; ` +
      `latency p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms`,
  );

  for (const socket of [publisher, ...subscribers]) socket.close();
  await Promise.all(nodes.map((node) => node.kill()));
}

async function connect(port: number): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/${TOPIC}`);
  await socket.onOpen.first;
  return socket;
}

/** From the call of `send` at the publisher to the message at the subscriber, sorted. */
async function measureLatency(publisher: WebSocket, subscriber: WebSocket): Promise<number[]> {
  const latencies: number[] = [];
  for (let sample = 0; sample < LATENCY_SAMPLES; sample++) {
    const id = `latency-${sample}`;
    const arrival = subscriber.onMessage.where(({ data }) => isPublication(data, id)).first;
    const startMs = performance.now();
    publisher.send(JSON.stringify({ id, text: "x".repeat(128) }));
    await arrival;
    latencies.push(performance.now() - startMs);
    await delay(2);
  }
  return latencies.toSorted((one, other) => one - other);
}

function isPublication(data: unknown, id: string): boolean {
  return (
    typeof data === "string" && data.startsWith('{"type":"publication"') && data.includes(`"${id}"`)
  );
}

/** A second. */
async function measureThroughput(
  publisher: WebSocket,
  subscribers: readonly WebSocket[],
): Promise<{ stored: number; delivered: number }> {
  let [sent, stored, delivered] = [0, 0, 0];
  const publishOne = (): void => {
    publisher.send(JSON.stringify({ id: `throughput-${sent++}`, text: "x".repeat(128) }));
  };
  const counting = subscribers.map((socket) => socket.onMessage.listen(() => delivered++));
  const answers = publisher.onMessage.listen(({ data }) => {
    if (!(data as string).startsWith('{"type":"stored"')) return;
    stored++;
    publishOne();
  });
  for (let count = 0; count < UNDER_WAY; count++) publishOne();
  const startMs = performance.now();
  await delay(THROUGHPUT_MS);
  const seconds = (performance.now() - startMs) / 1_000;
  for (const subscription of [answers, ...counting]) subscription.cancel();
  return { stored: stored / seconds, delivered: delivered / seconds };
}
