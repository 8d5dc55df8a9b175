import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

export type EngineName = "redis" | "nats";

/** A Redis or NATS server, on a free port and in a temporary folder. */
export class EngineServer {
  readonly port: number;
  readonly #folder: string;
  readonly #child: ChildProcess;

  /** Starts a server, and waits until it accepts connections. @throws Error if it is not installed, or exits */
  static async start(name: EngineName): Promise<EngineServer> {
    const path = find(`${name}-server`);
    if (path === undefined) throw new Error(`${name}-server is not installed`);
    const port = await freePort();
    const folder = await mkdtemp(join(tmpdir(), "tideway-bench-"));
    const child = spawn(path, argumentsOf(name, port, folder), { stdio: "ignore" });
    const engine = new EngineServer(port, folder, child);
    while (!(await accepts(port))) {
      if (child.exitCode !== null) {
        await engine.stop();
        throw new Error(`${path} exited with code ${child.exitCode}`);
      }
      await delay(20);
    }
    return engine;
  }

  private constructor(port: number, folder: string, child: ChildProcess) {
    this.port = port;
    this.#folder = folder;
    this.#child = child;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode === null) {
      const exited = once(this.#child, "exit");
      this.#child.kill("SIGKILL");
      await exited;
    }
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** The default settings, apart from port and folder. Redis writes snapshots to disk at times. */
function argumentsOf(name: EngineName, port: number, folder: string): readonly string[] {
  return name === "redis"
    ? ["--port", `${port}`, "--bind", "127.0.0.1", "--dir", folder]
    : ["--port", `${port}`, "--addr", "127.0.0.1", "--jetstream", "--store_dir", folder];
}

function find(program: string): string | undefined {
  const folders = `${process.env["PATH"] ?? ""}:/usr/sbin`.split(delimiter);
  return folders.map((folder) => join(folder, program)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("error", () => resolve(false));
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
  });
}
