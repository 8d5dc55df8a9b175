import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { rolldown } from "rolldown";
import { launcherArguments } from "./runtimes.ts";

/** In the folder of the packages, so that imports which are not bundled are found. */
const FOLDER = "node_modules/.cache/tideway-programs";

/** A TypeScript program of the tests, bundled with the sources of this package into one file. */
export class BundledProgram implements AsyncDisposable {
  readonly #file: string;

  private constructor(file: string) {
    this.#file = file;
  }

  /** @param input the path of the program from the root of the repository */
  static async bundle(input: string): Promise<BundledProgram> {
    await mkdir(FOLDER, { recursive: true });
    const file = resolve(FOLDER, `${process.pid}-${input.replaceAll(/\W/g, "-")}.mjs`);
    const entries = {
      "tideway/channels": "node/channels.ts",
      "tideway/channels/server": "channels/server/index.ts",
      "tideway/server": "node/server.ts",
      "tideway/testing": "testing/index.ts",
      "tideway/topics/nats": "topics/nats/index.ts",
      "tideway/topics/redis": "topics/redis/index.ts",
      "tideway/topics": "topics/index.ts",
      "tideway/ws": "ws/index.ts",
      tideway: "node/index.ts",
    };
    const alias = Object.fromEntries(
      Object.entries(entries).map(([name, path]) => [name, resolve(join("src", path))]),
    );
    const external = [/^(?!tideway)[^./]/];
    const bundle = await rolldown({ input, platform: "node", external, resolve: { alias } });
    await bundle.write({ file, codeSplitting: false });
    await bundle.close();
    return new BundledProgram(file);
  }

  /** Starts the program with more environment variables. */
  start(env: Record<string, string>, ...args: readonly string[]): RunningProgram {
    return this.startIn(process.execPath, env, ...args);
  }

  /** Starts the program in another runtime, in Deno with all permissions. @param runtime its path */
  startIn(
    runtime: string,
    env: Record<string, string>,
    ...args: readonly string[]
  ): RunningProgram {
    return this.startWith(runtime, launcherArguments(runtime), env, ...args);
  }

  /** Starts the program in another runtime with flags of that runtime. */
  startWith(
    runtime: string,
    flags: readonly string[],
    env: Record<string, string>,
    ...args: readonly string[]
  ): RunningProgram {
    // Variables of the test runner must not reach the program.
    const { NODE_DEBUG: _, ...inherited } = process.env;
    const child = spawn(runtime, [...flags, this.#file, ...args], {
      env: { ...inherited, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    return new RunningProgram(child);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#file, { force: true });
  }
}

/** A process with its output so far. */
export class RunningProgram implements AsyncDisposable {
  stdout = "";
  stderr = "";
  /** Resolves with the exit code; null after a signal. */
  readonly exited: Promise<number | null>;
  /** Resolves with the first line of stdout, or with undefined if the program ends without one. */
  readonly firstLine: Promise<string | undefined>;
  readonly #child: ChildProcess;

  constructor(child: ChildProcess) {
    this.#child = child;
    child.stdout!.setEncoding("utf8").on("data", (text: string) => (this.stdout += text));
    child.stderr!.setEncoding("utf8").on("data", (text: string) => (this.stderr += text));
    this.exited = once(child, "close").then(([code]) => code as number | null);
    this.firstLine = new Promise((settle) => {
      child.stdout!.on("data", () => {
        const end = this.stdout.indexOf("\n");
        if (end !== -1) settle(this.stdout.slice(0, end));
      });
      child.once("close", () => settle(undefined));
    });
  }

  /** Closes the pipe of stderr, so that the process can no longer write to it. */
  closeStderr(): void {
    this.#child.stderr!.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.exited;
  }
}
