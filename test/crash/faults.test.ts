import { serve } from "tideway/server";
import { expect, it, onTestFinished, vi } from "vitest";
import { ChannelClients } from "./channel-clients.ts";
import { createChannels } from "./channels.ts";
import { findViolations, type ViolationKind } from "./checker.ts";
import { createTopics, type Fault, FAULTS } from "./faulty-topics.ts";
import type { RunLog } from "./log.ts";

const TOPICS = ["texts/0", "bytes/0"];
const PUBLISHES = 100;

/** Lets clients of channels publish through one server with a fault, until they have published enough. */
async function runWith(fault: Fault | undefined): Promise<RunLog> {
  const topics = createTopics(fault, {}, 25);
  const server = await serve({
    port: 0,
    host: "127.0.0.1",
    routes: { "ws:/api": createChannels(topics).route({ origins: "*" }) },
  });
  const starts = TOPICS.map(async (name) => {
    const { epoch, offset } = (await topics.topic(name).history({ limit: 0 })).position;
    return [name, `${epoch}:${offset}`] as const;
  });
  const clients = new ChannelClients({
    name: "c",
    count: 6,
    port: server.port,
    topics: await Promise.all(starts),
    publishEveryMs: 5,
  });
  onTestFinished(async () => {
    await clients.close();
    await server.stop({ timeoutMs: 1 });
    await topics.close();
  });
  const log = (): Promise<RunLog> => clients.log();
  const count = async (): Promise<number> =>
    (await log()).publishers.reduce((sum, { publishes }) => sum + publishes.length, 0);
  await vi.waitUntil(async () => (await count()) >= PUBLISHES);
  await clients.stopPublishing();
  await vi.waitUntil(async () => (await clients.status()).pending === 0);
  // A subscriber that waits for a lost publication does not get further.
  if (fault === undefined) {
    await vi.waitUntil(async () => new Set((await clients.status()).positions).size === 2);
  }
  return await log();
}

const KINDS: Record<Fault, ViolationKind> = {
  "lose-publish": "lost",
  "double-publish": "doubled",
  "skip-delivery": "lost",
  "double-delivery": "doubled",
  "swap-deliveries": "out of order",
};

it("finds nothing wrong with a server that works", async () => {
  expect(findViolations(await runWith(undefined))).toEqual([]);
});

it.each(FAULTS)("finds a server with the fault %s", async (fault) => {
  const kinds = findViolations(await runWith(fault)).map(({ kind }) => kind);
  expect(kinds).toContain(KINDS[fault]);
});
