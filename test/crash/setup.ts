import { rm } from "node:fs/promises";
import { connect } from "tideway/channels";
import { CuttableProxy } from "../support/cuttable-proxy.ts";
import { Engine } from "../support/engine.ts";
import { Balancer } from "./balancer.ts";
import type { Fault } from "./faulty-topics.ts";
import { delay } from "./pace.ts";
import { bundleServer, ServerProcess } from "./server-process.ts";

const SERVER_COUNT = 3;

export interface SetupOptions {
  readonly engine: "redis" | "nats";
  /** The program of the engine. */
  readonly path: string;
  /** A deliberate fault of the servers. */
  readonly fault?: Fault | undefined;
  /** How many publications of a topic the engine keeps. If few, slow clients miss some. */
  readonly historySize?: number | undefined;
}

/** Three servers behind a balancer, and an engine that each of them reaches through a proxy. */
export class Setup {
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

  static async start({ engine: name, path, ...options }: SetupOptions): Promise<Setup> {
    const file = await bundleServer();
    const engine = await Engine[name](path);
    const proxies = await Promise.all(
      Array.from({ length: SERVER_COUNT }, () => CuttableProxy.to(engine.port)),
    );
    const { fault, historySize } = options;
    const servers = proxies.map(
      ({ port }) => new ServerProcess(file, { engine: name, port, fault, historySize }),
    );
    await Promise.all(servers.map((server) => server.start()));
    return new Setup(file, engine, proxies, servers, await Balancer.before(servers));
  }

  get port(): number {
    return this.#balancer.port;
  }

  /** The position of each topic. @throws ChannelError, or the reason of the signal */
  async positionsOf(
    topics: readonly string[],
    signal?: AbortSignal,
  ): Promise<readonly (readonly [string, string])[]> {
    const client = connect(`ws://127.0.0.1:${this.port}/api`);
    try {
      return await Promise.all(
        topics.map(async (name) => {
          const { position } = await client
            .topic(name)
            .history({ limit: 0, ...(signal && { signal }) });
          return [name, position] as const;
        }),
      );
    } finally {
      await client.close();
    }
  }

  /** Causes one of several faults and returns its description. */
  async harm(round: number): Promise<string> {
    const index = round % SERVER_COUNT;
    const kinds = [
      "kill",
      "cut",
      "kill",
      "stall",
      "kill",
      "restart the engine",
      "cut the clients",
    ] as const;
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
    if (kind === "cut the clients") {
      this.#balancer.cut();
      return "cut the connections of all clients";
    }
    if (kind === "stall") {
      const what = round % 2 === 1 ? "all" : "answers";
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
