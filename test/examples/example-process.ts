import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** How a process has ended, and its output. */
export interface Ended {
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The settings of a process. */
export interface ProcessOptions {
  readonly args?: readonly string[];
  /** In addition to the existing variables. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** A server of an example in a separate process. */
export class ExampleProcess {
  readonly #process: ChildProcess;
  /** The output of the server when it started to listen. */
  readonly url: string;
  readonly ended: Promise<Ended>;

  private constructor(process: ChildProcess, url: string, ended: Promise<Ended>) {
    this.#process = process;
    this.url = url;
    this.ended = ended;
  }

  /**
   * Starts a server and waits until it listens.
   *
   * @param main its script, such as `chat/dist/main.js`
   * @throws Error with its output if it does not
   */
  static async start(main: string, options: ProcessOptions = {}): Promise<ExampleProcess> {
    const { child, ended } = run(main, options);
    const firstLine = once(createInterface(child.stdout!), "line") as Promise<[string]>;
    const outcome = await Promise.race([firstLine, ended]);
    if (!Array.isArray(outcome)) throw new Error(`the server ended: ${outcome.stderr}`);
    const url = /(?:http|ws|redis):\S+/.exec(outcome[0])?.[0];
    if (url === undefined) throw new Error(`no URL in: ${outcome[0]}`);
    return new ExampleProcess(child, url, ended);
  }

  get port(): string {
    return new URL(this.url).port;
  }

  /** Stops the process without ending it: its sockets stay open and are not read. */
  pause(): void {
    this.#process.kill("SIGSTOP");
  }

  /** Waits until no client can connect any more. */
  async stopsListening(): Promise<void> {
    for (;;) {
      const socket = connect(Number(this.port), "localhost");
      try {
        await once(socket, "connect");
      } catch {
        return;
      } finally {
        socket.destroy();
      }
    }
  }

  /** Sends a signal to the server, and waits until it has ended. */
  kill(signal: NodeJS.Signals): Promise<Ended> {
    this.#process.kill(signal);
    return this.ended;
  }
}

/** Runs an example that must exit. */
export function runToEnd(main: string, options: ProcessOptions = {}): Promise<Ended> {
  return run(main, options).ended;
}

function run(
  main: string,
  { args = [], environment = {} }: ProcessOptions,
): {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
} {
  const script = fileURLToPath(new URL(`../../examples/${main}`, import.meta.url));
  const child = spawn(process.execPath, [script, ...args], {
    env: { ...process.env, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk) => (stdout += String(chunk)));
  child.stderr.on("data", (chunk) => (stderr += String(chunk)));
  const ended = once(child, "close").then(
    ([exitCode, signal]: (number | string | null)[]) =>
      ({ exitCode, signal, stdout, stderr }) as Ended,
  );
  return { child, ended };
}
