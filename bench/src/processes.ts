import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { LoadAnswer, LoadOrder, LoadResult } from "./load/protocol.ts";
import type { ServerProgram } from "./workloads.ts";

const SERVER_CORE = 0;
const CLIENT_CORE = 1;

export interface RunningServer {
  readonly program: ServerProgram;
  readonly pid: number;
  readonly port: number;
  stop(): void;
}

export interface LoadClient {
  run(order: LoadOrder): Promise<LoadResult>;
  stop(): void;
}

export async function startServer(program: ServerProgram): Promise<RunningServer> {
  const argv = program.argument === undefined ? [] : [program.argument];
  const child = startPinned(SERVER_CORE, `servers/${program.file}`, argv);
  const port = await nextMessage<number>(child, program.name);
  // taskset replaces itself by the program, so that this is the server's own id.
  return { program, pid: child.pid ?? 0, port, stop: () => child.kill() };
}

export function startLoadClient(): LoadClient {
  const child = startPinned(CLIENT_CORE, "load/client.js", []);
  return {
    async run(order) {
      child.send(order);
      const answer = await nextMessage<LoadAnswer>(child, "the load client");
      if ("failure" in answer) throw new Error(answer.failure);
      return answer;
    },
    stop: () => child.kill(),
  };
}

function startPinned(core: number, file: string, argv: readonly string[]): ChildProcess {
  const path = fileURLToPath(new URL(file, import.meta.url));
  return spawn("taskset", ["-c", String(core), process.execPath, path, ...argv], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
}

async function nextMessage<Message>(child: ChildProcess, name: string): Promise<Message> {
  const noLongerNeeded = new AbortController();
  const { signal } = noLongerNeeded;
  try {
    const exited = once(child, "exit", { signal }).then(([code, killedBy]) => {
      throw new Error(`${name} ended (${killedBy ?? code})`);
    });
    const [message] = await Promise.race([once(child, "message", { signal }), exited]);
    return message;
  } finally {
    noLongerNeeded.abort();
  }
}
