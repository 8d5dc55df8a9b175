import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { resolve } from "node:path";
import { rolldown } from "rolldown";
import type { ServerSettings } from "./server.ts";

/** In the folder of the packages, so that imports that are not bundled resolve. */
const FOLDER = "node_modules/.cache/tideway-crash";

/** Bundles `server.ts` into a file that Node can run. Run from the root of the repository. */
export async function bundleServer(): Promise<string> {
  await mkdir(FOLDER, { recursive: true });
  const file = resolve(FOLDER, `server-${process.pid}.mjs`);
  const bundle = await rolldown({
    input: "test/crash/server.ts",
    platform: "node",
    external: [/^(?!tideway)[^./]/],
    resolve: {
      alias: {
        "tideway/channels/server": resolve("src/channels/server/index.ts"),
        "tideway/channels": resolve("src/node/channels.ts"),
        "tideway/server": resolve("src/node/server.ts"),
        "tideway/topics/nats": resolve("src/topics/nats/index.ts"),
        "tideway/topics/redis": resolve("src/topics/redis/index.ts"),
        "tideway/topics": resolve("src/topics/index.ts"),
      },
    },
  });
  await bundle.write({ file, sourcemap: true, codeSplitting: false });
  await bundle.close();
  return file;
}

/** A server process that can be killed and restarted. */
export class ServerProcess {
  /** Its port, or undefined while it does not listen. */
  port: number | undefined;
  readonly #file: string;
  readonly #settings: ServerSettings;
  #process: ChildProcess | undefined;

  constructor(file: string, settings: ServerSettings) {
    this.#file = file;
    this.#settings = settings;
  }

  /** Resolves once it listens or has ended. */
  async start(): Promise<void> {
    const args = ["--enable-source-maps", this.#file, JSON.stringify(this.#settings)];
    const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
    this.#process = child;
    const port = await Promise.race([
      once(child.stdout, "data").then(([chunk]) => Number((chunk as Buffer).toString())),
      once(child, "exit").then(() => undefined),
    ]);
    if (this.#process === child) this.port = port;
  }

  /** Ends it with SIGKILL. */
  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    this.port = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  }
}
