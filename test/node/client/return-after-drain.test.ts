import { expect, it } from "vitest";
import { startServer } from "../../suite/start.ts";

const CLIENTS = 100;

/** Numbers from 0 to 1, the same in every run (mulberry32). */
function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Timers that never fire: the test looks only at the delays. */
const timers = { setTimeout: () => 0, clearTimeout() {} };

it.each([
  { options: {}, code: 1001 },
  { options: { drain: { batch: 10, intervalMs: 1 } }, code: 1012 },
])("clients of a server that closes with $code reconnect at different times", async (stopping) => {
  const server = await startServer({ routes: { "ws:/": () => {} } });
  const random = seededRandom(1);
  const clients = Array.from(
    { length: CLIENTS },
    () => new server.ReconnectingWebSocket(`${server.url}/`, { random, timers }),
  );
  await Promise.all(clients.map((client) => client.onOpen.first));
  const reconnecting = Promise.all(clients.map((client) => client.onReconnecting.first));
  await server.stop(stopping.options);
  const events = await reconnecting;
  for (const client of clients) client.close();

  expect(new Set(events.map(({ code }) => code))).toEqual(new Set([stopping.code]));
  expect(new Set(events.map(({ attempt }) => attempt))).toEqual(new Set([1]));
  // The first attempt has full jitter: delays spread over two seconds without clusters.
  const delaysMs = events.map(({ delayMs }) => delayMs);
  const perTenth = Array.from(
    { length: 10 },
    (_, tenth) => delaysMs.filter((delayMs) => Math.floor(delayMs / 200) === tenth).length,
  );
  expect(perTenth.reduce((sum, count) => sum + count)).toBe(CLIENTS);
  expect(Math.min(...perTenth)).toBeGreaterThan(2);
  expect(Math.max(...perTenth)).toBeLessThan(20);
});
