import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../examples/chat/dist/main.js", import.meta.url));

/** How a process has ended, with all it has written. */
export interface Ended {
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The chat's server as `npm start` runs it, in a process of its own. */
export class ChatProcess {
  readonly #process: ChildProcess;
  /** What the server said when it began to listen. */
  readonly url: string;
  readonly ended: Promise<Ended>;

  constructor(process: ChildProcess, url: string, ended: Promise<Ended>) {
    this.#process = process;
    this.url = url;
    this.ended = ended;
  }

  /** Starts the server and waits until it listens. @throws Error with its output if it does not. */
  static async start(environment: Record<string, string> = { PORT: "0" }): Promise<ChatProcess> {
    const { child, ended } = run(environment);
    const firstLine = once(createInterface(child.stdout!), "line") as Promise<[string]>;
    const outcome = await Promise.race([firstLine, ended]);
    if (!Array.isArray(outcome)) throw new Error(`the server ended: ${outcome.stderr}`);
    const url = /http:\S+/.exec(outcome[0])?.[0];
    if (url === undefined) throw new Error(`no URL in: ${outcome[0]}`);
    return new ChatProcess(child, url, ended);
  }

  get port(): string {
    return new URL(this.url).port;
  }

  /** Stops the server where it is: its sockets stay open, and nobody reads from them. */
  pause(): void {
    this.#process.kill("SIGSTOP");
  }

  /** Ends the server with a signal, and waits until it has ended. */
  kill(signal: NodeJS.Signals): Promise<Ended> {
    this.#process.kill(signal);
    return this.ended;
  }
}

/** Runs the server with an environment in which it is expected to end by itself. */
export function runToEnd(environment: Record<string, string>): Promise<Ended> {
  return run(environment).ended;
}

function run(environment: Record<string, string>): {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
} {
  const child = spawn(process.execPath, [MAIN], {
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
