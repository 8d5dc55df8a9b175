import { setTimeout as delay } from "node:timers/promises";
import { WebSocket } from "tideway";
import { type Program, server } from "../programs.ts";
import type { Cores } from "../run/cores.ts";
import { RunningProgram } from "../run/processes.ts";
import { EngineServer } from "./engine.ts";
import { STORED } from "./messages.ts";

/** The measurement of a topic on several servers, connected by an engine, or on one server. */
export interface Relay {
  readonly engine: "memory" | "redis" | "nats";
  readonly serverCount: number;
  /** In wall-clock time. Clients, servers and engine share the machine. */
  readonly figures?: RelayFigures;
  /** The reason if there are no figures. */
  readonly reason?: string;
}

export interface RelayFigures {
  readonly deliveriesPerSecond: number;
  readonly publicationsPerSecond: number;
  /** The time from `send` of a publisher to the message at a subscriber, of another server if there are two. */
  readonly latencyMs: { readonly p50: number; readonly p99: number };
}

export interface RelayEffort {
  readonly latencySamples: number;
  readonly measuredMs: number;
}

export const RELAYS: readonly Pick<Relay, "engine" | "serverCount">[] = [
  { engine: "memory", serverCount: 1 },
  { engine: "redis", serverCount: 2 },
  { engine: "nats", serverCount: 2 },
];

const SUBSCRIBERS = 200;

/** The number of publications in flight. */
const IN_FLIGHT = 64;

const PAYLOAD_BYTES = 125;

/** Describes the load in words. */
export const RELAY_LOAD: string = `${PAYLOAD_BYTES} B text, ${SUBSCRIBERS} subscribers, ${IN_FLIGHT} publications in flight`;

/** Measures a topic through an engine. Never rejects: the result has the reason of a failure. */
export async function measureRelay(
  { engine, serverCount }: Pick<Relay, "engine" | "serverCount">,
  cores: Cores,
  effort: RelayEffort,
): Promise<Relay> {
  let engineServer: EngineServer | undefined;
  const running: RunningProgram[] = [];
  try {
    if (engine !== "memory") engineServer = await EngineServer.start(engine);
    for (let count = 0; count < serverCount; count++) {
      running.push(await RunningProgram.start(programOf(engine, engineServer?.port), cores));
    }
    const ports = running.map(({ subject }) => subject.port);
    return { engine, serverCount, figures: await measureThrough(ports, effort) };
  } catch (error) {
    return { engine, serverCount, reason: (error as Error).message };
  } finally {
    await Promise.all(running.map((program) => program.stop()));
    await engineServer?.stop();
  }
}

function programOf(engine: Relay["engine"], port = 0): Program {
  return { ...server("tideway", "relay", engine, `${port}`), isTwoCore: true };
}

async function measureThrough(
  ports: readonly number[],
  effort: RelayEffort,
): Promise<RelayFigures> {
  const subscribers = await Promise.all(
    Array.from({ length: SUBSCRIBERS }, (_, index) => open(ports[index % ports.length])),
  );
  const publisher = await open(ports[0]);
  try {
    const latencies = await measureLatencies(publisher, subscribers.at(-1)!, effort);
    const at = (share: number): number => latencies[Math.floor(share * latencies.length)];
    const rates = await measureRates(publisher, subscribers, effort);
    return { ...rates, latencyMs: { p50: at(0.5), p99: at(0.99) } };
  } finally {
    for (const socket of [publisher, ...subscribers]) socket.close();
  }
}

async function open(port: number): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`);
  const subscribed = socket.onMessage.first;
  await Promise.race([subscribed, failureOf(socket)]);
  return socket;
}

async function failureOf(socket: WebSocket): Promise<never> {
  await socket.onClose.first;
  throw new Error("the server closed a connection");
}

/** Measures latencies with one publication at a time. Returns them in ascending order. */
async function measureLatencies(
  publisher: WebSocket,
  subscriber: WebSocket,
  { latencySamples }: RelayEffort,
): Promise<readonly number[]> {
  const latencies: number[] = [];
  for (let sample = 0; sample < latencySamples; sample++) {
    const arrived = subscriber.onMessage.where(({ data }) => isPublication(data)).first;
    const startMs = performance.now();
    publisher.send(textOf(sample));
    await Promise.race([arrived, failureOf(subscriber)]);
    latencies.push(performance.now() - startMs);
    await delay(2);
  }
  return latencies.toSorted((one, other) => one - other);
}

async function measureRates(
  publisher: WebSocket,
  subscribers: readonly WebSocket[],
  { measuredMs }: RelayEffort,
): Promise<Omit<RelayFigures, "latencyMs">> {
  let [sent, stored, delivered] = [0, 0, 0];
  const counting = subscribers.map((socket) => socket.onMessage.listen(() => delivered++));
  const answers = publisher.onMessage.listen(({ data }) => {
    if (data !== STORED) return;
    stored++;
    publisher.send(textOf(sent++));
  });
  for (let count = 0; count < IN_FLIGHT; count++) publisher.send(textOf(sent++));
  const startMs = performance.now();
  await Promise.race([delay(measuredMs), failureOf(publisher)]);
  const seconds = (performance.now() - startMs) / 1_000;
  const rates = {
    deliveriesPerSecond: delivered / seconds,
    publicationsPerSecond: stored / seconds,
  };
  for (const subscription of [answers, ...counting]) subscription.cancel();
  return rates;
}

function textOf(index: number): string {
  return `${index}`.padEnd(PAYLOAD_BYTES, "x");
}

function isPublication(data: unknown): boolean {
  return typeof data === "string" && data.startsWith('{"type":"publication"');
}
