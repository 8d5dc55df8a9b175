import { type Broker, formatPosition, Topics } from "tideway/topics";
import { expect, onTestFinished } from "vitest";
import { CountingProxy, type RoundTrips } from "./round-trips.ts";
import { RecordingSocket, settle, texts } from "./support.ts";

const COUNT = 1_000;

/** The number of topics on which a publication is missed. */
const MISSED = 20;

/** How a test opens brokers on an engine. */
export interface EngineAccess {
  readonly port: number;
  /** Opens a broker on a port. Its requests take part in `trips`. */
  open(port: number, trips?: RoundTrips): Promise<Broker>;
}

/**
 * Resumes 1,000 subscriptions in one turn on a server that has just started, and checks that each gets what it
 * has missed.
 *
 * @returns the number of reads in which a proxy got all requests
 */
export async function resumeMany(access: EngineAccess, trips: RoundTrips): Promise<number> {
  const names = Array.from({ length: COUNT }, (_, index) => `topic-${index}`);
  const before = openOn(await access.open(access.port));
  const positions: string[] = [];
  // In groups, so that a slow engine answers within the timeout.
  for (let start = 0; start < COUNT; start += 100) {
    const group = names.slice(start, start + 100);
    const published = await Promise.all(group.map((name) => before.topic(name).publish("seen")));
    positions.push(...published.map(({ position }) => formatPosition(position)));
  }
  for (const name of names.slice(0, MISSED)) await before.topic(name).publish("missed");
  const proxy = await CountingProxy.to(access.port);
  onTestFinished(() => proxy[Symbol.asyncDispose]());
  const after = openOn(await access.open(proxy.port, trips));
  [trips.count, proxy.reads] = [0, 0];
  const sockets = names.map(() => new RecordingSocket());
  const started = await Promise.all(
    names.map((name, index) =>
      after.topic(name).subscribe(sockets[index], { since: positions[index] }),
    ),
  );
  await settle();
  expect(started.every(({ recovered }) => recovered)).toBe(true);
  expect(sockets.map((socket) => texts(socket))).toEqual(
    names.map((_, index) => (index < MISSED ? ["missed"] : [])),
  );
  return proxy.reads;
}

function openOn(broker: Broker): Topics {
  // The machine of the tests may be busy.
  const timeouts = { requestTimeoutMs: 60_000, publishTimeoutMs: 60_000 };
  const topics = new Topics({ broker, ...timeouts });
  onTestFinished(async () => {
    await topics.close();
    await broker.close();
  });
  return topics;
}
