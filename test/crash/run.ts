import { rm } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { CuttableProxy } from "../support/cuttable-proxy.ts";
import { Engine } from "../support/engine.ts";
import { Balancer } from "./balancer.ts";
import { CrashClient } from "./crash-client.ts";
import type { RunLog } from "./log.ts";
import { bundleServer, ServerProcess } from "./server-process.ts";

export interface CrashOptions {
  readonly engine: "redis" | "nats";
  /** The program of the server. */
  readonly path: string;
  readonly seconds: number;
  readonly clients?: number;
  readonly onProgress?: (line: string) => void;
}

const SERVER_COUNT = 3;
const TOPIC_COUNT = 5;
/** The approximate interval at which each client publishes. */
const PUBLISH_EVERY_MS = 1_500;
/** The time in which all clients must have the last publication once everything works again. */
const SETTLE_MS = 60_000;

/**
 * Runs clients that publish and subscribe through three servers, while servers and the engine are
 * killed, and servers are cut off from the engine. Then waits until all clients have the same
 * publications, and returns what they received.
 */
export async function runCrashes(options: CrashOptions): Promise<RunLog> {
  // Node 20 runs this file directly, and has no `await using`.
  const setup = await Setup.start(options);
  const clients = Array.from(
    { length: options.clients ?? 200 },
    (_, index) => new CrashClient(`c${index}`, `topic-${index % TOPIC_COUNT}`, setup.port),
  );
  try {
    const end = performance.now() + options.seconds * 1_000;
    const publishing = publishUntil(end, clients);
    for (let round = 0; performance.now() < end; round++) {
      const done = await setup.harm(round);
      options.onProgress?.(done);
      await delay(1_000);
    }
    await publishing;
    await setup.heal();
    await settle(clients);
  } finally {
    for (const client of clients) client.close();
    await setup.stop();
  }
  const acknowledgements = clients.flatMap(({ topic, acknowledged }) =>
    Array.from(acknowledged, ([id, position]) => ({ topic, id, position })),
  );
  return { clients, acknowledgements };
}

class Setup {
  readonly #engine: Engine;
  readonly #proxies: readonly CuttableProxy[];
  readonly #servers: readonly ServerProcess[];
  readonly #balancer: Balancer;
  readonly #file: string;

  private constructor(
    file: string,
    engine: Engine,
    proxies: readonly CuttableProxy[],
    servers: readonly ServerProcess[],
    balancer: Balancer,
  ) {
    this.#file = file;
    this.#engine = engine;
    this.#proxies = proxies;
    this.#servers = servers;
    this.#balancer = balancer;
  }

  static async start({ engine: name, path }: CrashOptions): Promise<Setup> {
    const file = await bundleServer();
    const engine = await Engine[name](path);
    const proxies = await Promise.all(
      Array.from({ length: SERVER_COUNT }, () => CuttableProxy.to(engine.port)),
    );
    const servers = proxies.map(({ port }) => new ServerProcess(file, { engine: name, port }));
    await Promise.all(servers.map((server) => server.start()));
    return new Setup(file, engine, proxies, servers, await Balancer.before(servers));
  }

  get port(): number {
    return this.#balancer.port;
  }

  /** Causes one of several faults and returns its description. */
  async harm(round: number): Promise<string> {
    const index = round % SERVER_COUNT;
    const kinds = ["kill", "cut", "kill", "stall", "kill", "restart the engine"] as const;
    const kind = kinds[round % kinds.length];
    const [server, proxy] = [this.#servers[index], this.#proxies[index]];
    if (kind === "kill") {
      // Publications are stored without an acknowledgement, so clients publish them again.
      proxy.stall("answers");
      await delay(300);
      await server.kill();
      proxy.resume();
      await server.start();
      return `dropped the answers of the engine to server ${index}, then killed that server`;
    }
    if (kind === "cut") {
      proxy.cut();
      return `cut the connections of server ${index} to the engine`;
    }
    if (kind === "stall") {
      const what = round % 4 === 1 ? "all" : "answers";
      proxy.stall(what);
      await delay(3_000);
      proxy.resume();
      return `dropped ${what} between server ${index} and the engine for three seconds`;
    }
    await this.#engine.kill();
    await this.#engine.start();
    return "killed the engine and started it again";
  }

  async heal(): Promise<void> {
    for (const server of this.#servers) if (server.port === undefined) await server.start();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.kill()));
    await this.#balancer[Symbol.asyncDispose]();
    for (const proxy of this.#proxies) await proxy[Symbol.asyncDispose]();
    await this.#engine[Symbol.asyncDispose]();
    await Promise.all([rm(this.#file), rm(`${this.#file}.map`)]);
  }
}

async function publishUntil(end: number, clients: readonly CrashClient[]): Promise<void> {
  while (performance.now() < end) {
    clients[Math.floor(Math.random() * clients.length)].publish();
    await delay((PUBLISH_EVERY_MS / clients.length) * 2 * Math.random());
  }
}

/**
 * Resolves once everything is acknowledged and all clients have the last publication of their
 * topic.
 */
async function settle(clients: readonly CrashClient[]): Promise<void> {
  const end = performance.now() + SETTLE_MS;
  const areDone = (): boolean => {
    if (clients.some((client) => client.hasUnacknowledged)) return false;
    const positions = new Set(clients.map(({ topic, position }) => `${topic} ${position}`));
    return positions.size === TOPIC_COUNT;
  };
  // The checker reports what has not arrived by then.
  while (!areDone() && performance.now() < end) await delay(100);
}
