import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

/** A server with a separate port and folder. */
export class Engine implements AsyncDisposable {
  readonly port: number;
  readonly folder: string;
  readonly #path: string;
  readonly #args: readonly string[];
  #process: ChildProcess | undefined;
  #output = "";

  private constructor(path: string, args: readonly string[], port: number, folder: string) {
    this.#path = path;
    this.#args = args;
    this.port = port;
    this.folder = folder;
  }

  /** Starts redis-server, which writes everything to disk before it acknowledges it. */
  static redis(path: string, ...more: readonly string[]): Promise<Engine> {
    const durable = ["--appendonly", "yes", "--appendfsync", "always", "--save", ""];
    return Engine.#start(path, (port, folder) =>
      ["--port", `${port}`, "--bind", "127.0.0.1", "--dir", folder].concat(durable, more),
    );
  }

  /** Starts redis-server as a node of a cluster that has no other node yet. */
  static async redisNode(path: string, busPort?: number): Promise<Engine> {
    const args = ["--cluster-enabled", "yes", "--cluster-node-timeout", "1000"];
    const address = ["--cluster-announce-ip", "127.0.0.1"];
    // By default it is 10,000 above the port, which may exceed the highest port.
    const bus = ["--cluster-port", `${busPort ?? (await freePort())}`];
    return await Engine.redis(path, ...args, ...address, ...bus);
  }

  /** Starts nats-server with JetStream. */
  static nats(path: string, ...more: readonly (readonly string[])[]): Promise<Engine> {
    return Engine.#start(path, (port, folder) =>
      ["--addr", "127.0.0.1", "--port", `${port}`, "--jetstream", "--store_dir", folder].concat(
        ...more,
      ),
    );
  }

  /** Starts a cluster of nats-server with JetStream. Streams need a moment until the cluster has a leader. */
  static async natsCluster(path: string, size: number): Promise<readonly Engine[]> {
    const ports = new Set<number>();
    while (ports.size < size) ports.add(await freeLowPort());
    const routes = [...ports].map((port) => `nats://127.0.0.1:${port}`);
    const starting = routes.map((route, index) =>
      Engine.nats(
        path,
        ["--name", `server-${index}`, "--cluster_name", "cluster"],
        ["--cluster", route, "--routes", routes.join()],
      ),
    );
    try {
      return await Promise.all(starting);
    } catch (error) {
      for (const result of await Promise.allSettled(starting)) {
        if (result.status === "fulfilled") await result.value[Symbol.asyncDispose]();
      }
      throw error;
    }
  }

  /** Starts nginx with the content of `http { }` in its configuration. */
  static nginx(path: string, configOf: (port: number) => string): Promise<Engine> {
    return Engine.#start(path, (port, folder) => {
      const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map((kind) => `${kind}_temp_path ${folder}/${kind};`)
        .join("\n");
      const file = join(folder, "nginx.conf");
      writeFileSync(
        file,
        // A single process, so that no worker outlives it.
        `daemon off; master_process off; pid ${folder}/pid; error_log stderr;\n` +
          `events { }\nhttp {\naccess_log off;\n${temporary}\n${configOf(port)}\n}\n`,
      );
      return ["-c", file, "-p", folder, "-e", "stderr"];
    });
  }

  /** Starts HAProxy with a configuration. */
  static haproxy(path: string, configOf: (port: number) => string): Promise<Engine> {
    return Engine.#start(path, (port, folder) => {
      const file = join(folder, "haproxy.cfg");
      writeFileSync(file, configOf(port));
      return ["-db", "-f", file];
    });
  }

  static async #start(
    path: string,
    argsOf: (port: number, folder: string) => readonly string[],
  ): Promise<Engine> {
    const [port, folder] = [await freePort(), await mkdtemp(join(tmpdir(), "tideway-engine-"))];
    const engine = new Engine(path, argsOf(port, folder), port, folder);
    await engine.start();
    return engine;
  }

  /** Starts it. A later start finds the stored data. */
  async start(): Promise<void> {
    const child = spawn(this.#path, this.#args, { stdio: ["ignore", "pipe", "pipe"] });
    this.#process = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.on(
        "data",
        (chunk: Buffer) => (this.#output = (this.#output + chunk.toString()).slice(-4_000)),
      );
    }
    while (!(await accepts(this.port))) {
      if (child.exitCode !== null) throw new Error(`${this.#path} ended: ${this.#output}`);
      await delay(20);
    }
  }

  /** Kills it, as in a crash. */
  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Returns a free port that no outgoing connection gets, such as the connection of another server to this port. */
async function freeLowPort(): Promise<number> {
  for (;;) {
    try {
      return await freePort(20_000 + Math.floor(Math.random() * 10_000));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    }
  }
}

/** @param wanted 0 for any port */
export async function freePort(wanted = 0): Promise<number> {
  const server = createServer().listen(wanted, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}
