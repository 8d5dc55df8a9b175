import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { LoadAnswer, LoadOrder, Subject } from "../load/protocol.ts";
import { type Program, type Runtime, runtimeOf } from "../programs.ts";
import type { MemoryAnswer, ReadyAnswer, SubjectOrder } from "../subject.ts";
import { runtimePath } from "./runtime-paths.ts";
import type { Cores } from "./cores.ts";

const HERE = fileURLToPath(new URL("..", import.meta.url));

/** A program under test that waits for its load. */
export class RunningProgram {
  readonly program: Program;
  readonly subject: Subject;
  readonly #child: ChildProcess;

  static async start(program: Program, cores: Cores): Promise<RunningProgram> {
    const child = startPinned(
      program.isTwoCore ? [cores.subject, cores.second] : [cores.subject],
      commandOf(program),
    );
    try {
      return new RunningProgram(program, child, await nextMessage(child, program.name));
    } catch (error) {
      child.kill();
      throw error;
    }
  }

  private constructor(program: Program, child: ChildProcess, { port, pids }: ReadyAnswer) {
    const { library, isTls, isHttp2, dialect } = program;
    this.program = program;
    this.subject = { port, pids, isTls, isHttp2, isFramed: library !== "net", dialect };
    this.#child = child;
  }

  tell(order: SubjectOrder): void {
    this.#child.send(order);
  }

  async memory(collectFirst: boolean): Promise<MemoryAnswer> {
    this.tell({ ask: "memory", collectFirst });
    return await nextMessage(this.#child, this.program.name);
  }

  async stop(): Promise<void> {
    await stop(this.#child);
  }
}

/** The process that creates the load. */
export class LoadProcess {
  readonly #child: ChildProcess;

  constructor(cores: Cores) {
    this.#child = startPinned([cores.load], [process.execPath, `${HERE}load/main.js`]);
  }

  /** Sends an order, and resolves with the first answer. Call `next` for further answers. */
  async run(order: LoadOrder): Promise<LoadAnswer> {
    this.#child.send(order);
    return await this.next();
  }

  async next(): Promise<LoadAnswer> {
    const answer = await nextMessage<LoadAnswer>(this.#child, "the load");
    if ("failure" in answer) throw new Error(answer.failure);
    return answer;
  }

  async stop(): Promise<void> {
    await stop(this.#child);
  }
}

function commandOf(program: Program): readonly string[] {
  const { file, argv, directory = HERE } = program;
  const runtime = runtimeOf(program);
  const command = [runtimePath(runtime) ?? runtime, ...ARGUMENTS[runtime]];
  return [...command, `${directory}${file}`, ...argv];
}

const ARGUMENTS: Readonly<Record<Runtime, readonly string[]>> = {
  node: ["--expose-gc"],
  bun: [],
  deno: ["run", "--allow-all", "--v8-flags=--expose-gc"],
};

/** Starts a command on some cores. `taskset` replaces itself by the program, so the child is the program. */
function startPinned(cores: readonly number[], command: readonly string[]): ChildProcess {
  return spawn("taskset", ["-c", cores.join(","), ...command], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill();
  await exited;
}

async function nextMessage<Message>(child: ChildProcess, name: string): Promise<Message> {
  const noLongerNeeded = new AbortController();
  const { signal } = noLongerNeeded;
  try {
    const exited = once(child, "exit", { signal }).then(([code, killedBy]) => {
      throw new Error(`${name} exited with ${killedBy ?? `code ${code}`}`);
    });
    const [message] = await Promise.race([once(child, "message", { signal }), exited]);
    return message;
  } finally {
    noLongerNeeded.abort();
  }
}
