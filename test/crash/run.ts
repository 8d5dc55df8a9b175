import type { Browser } from "playwright-core";
import { ChannelClients } from "./channel-clients.ts";
import { ChromiumClients } from "./chromium-clients.ts";
import { HandMadeClients } from "./hand-made-clients.ts";
import type { ClientGroup, GroupLog, GroupSettings, RunLog } from "./log.ts";
import { delay } from "./pace.ts";
import { Setup, type SetupOptions } from "./setup.ts";

export interface CrashOptions extends SetupOptions {
  /** The kind of clients: of channels, or hand-made subscribers of topics. Default: channels. */
  readonly clientKind?: "channels" | "hand-made";
  readonly seconds: number;
  /** The number of clients in this process. Default: 100. */
  readonly clients?: number;
  /** Starts a browser for some more clients of channels. Default: no browser. */
  readonly launchBrowser?: (() => Promise<Browser>) | undefined;
  readonly onProgress?: (line: string) => void;
}

const TEXT_TOPICS = ["texts/0", "texts/1", "texts/2", "texts/3"];
const TOPICS = [...TEXT_TOPICS, "bytes/0"];
/** The approximate interval at which each client publishes. */
const PUBLISH_EVERY_MS = 1_500;
const BROWSER_CLIENTS = 5;
/** On a slow machine a round takes long. This many kill each server once. */
const MIN_ROUNDS = 5;
/** The time in which all clients must have the last publication once everything works again. */
const SETTLE_MS = 60_000;
const ENDS_WITHIN_MS = 10_000;

/**
 * Runs clients that publish and subscribe through three servers, while servers and the engine are
 * killed, and servers are cut off from the engine. Then waits until all clients have the same
 * publications, and returns what they received and published.
 */
export async function runCrashes(options: CrashOptions): Promise<RunLog> {
  const setup = await Setup.start(options);
  const groups: ClientGroup[] = [];
  try {
    await startClients(options, setup, groups);
    const end = performance.now() + options.seconds * 1_000;
    for (let round = 0; round < MIN_ROUNDS || performance.now() < end; round++) {
      const done = await setup.harm(round);
      options.onProgress?.(done);
      await delay(1_000);
    }
    await setup.heal();
    for (const group of groups) await group.stopPublishing();
    await settle(groups);
    const logs = await Promise.all(groups.map((group) => group.log()));
    return { ...merge(logs), ends: await endsOf(setup, topicsOf(options)) };
  } finally {
    await Promise.all(groups.map((group) => group.close()));
    await setup.stop();
  }
}

/** The last position of each topic, if the servers can tell. */
async function endsOf(setup: Setup, topics: readonly string[]): Promise<RunLog["ends"]> {
  try {
    return await setup.positionsOf(topics, AbortSignal.timeout(ENDS_WITHIN_MS));
  } catch {
    return undefined;
  }
}

function topicsOf({ clientKind }: CrashOptions): readonly string[] {
  return clientKind === "hand-made" ? TEXT_TOPICS : TOPICS;
}

async function startClients(
  options: CrashOptions,
  setup: Setup,
  groups: ClientGroup[],
): Promise<void> {
  const { clientKind, clients = 100, launchBrowser } = options;
  const isHandMade = clientKind === "hand-made";
  const topics = await setup.positionsOf(topicsOf(options));
  const settings: GroupSettings = {
    name: "node-",
    count: clients,
    port: setup.port,
    topics,
    publishEveryMs: PUBLISH_EVERY_MS,
  };
  groups.push(isHandMade ? new HandMadeClients(settings) : new ChannelClients(settings));
  if (launchBrowser === undefined) return;
  const others = { ...settings, name: "chromium-", count: BROWSER_CLIENTS };
  groups.push(await ChromiumClients.start(await launchBrowser(), others));
}

/**
 * Resolves once every publish has settled and all clients have the last publication of their topic.
 */
async function settle(groups: readonly ClientGroup[]): Promise<void> {
  const end = performance.now() + SETTLE_MS;
  const areDone = async (): Promise<boolean> => {
    const all = await Promise.all(groups.map((group) => group.status()));
    if (all.some(({ pending }) => pending > 0)) return false;
    const positions = new Set(all.flatMap((status) => status.positions));
    const topics = new Set(Array.from(positions, (position) => position.split(" ")[0]));
    return positions.size === topics.size;
  };
  // The checker reports which clients have not caught up by then.
  while (!(await areDone()) && performance.now() < end) await delay(100);
}

function merge(logs: readonly GroupLog[]): GroupLog {
  return {
    clients: logs.flatMap(({ clients }) => clients),
    publishers: logs.flatMap(({ publishers }) => publishers),
    connections: logs.reduce((sum, { connections }) => sum + connections, 0),
  };
}
