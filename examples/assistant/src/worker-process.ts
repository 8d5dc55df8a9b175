import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** The time until a worker that has crashed starts again, in milliseconds. */
const RESTART_DELAY_MS = 1_000;

/** The worker as a process. */
export interface WorkerProcess {
  stop(): Promise<void>;
}

/** Starts the worker in a process, and again if it crashes. It ends with this process. */
export function startWorker(servers: readonly string[], key: string): WorkerProcess {
  let child: ChildProcess;
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;
  const start = (): void => {
    child = fork(fileURLToPath(new URL("worker.js", import.meta.url)), {
      env: { ...process.env, SERVERS: servers.join(","), WORKER_KEY: key },
      // A separate process group: Ctrl+C in a terminal stops the server first.
      detached: true,
    });
    child.once("exit", () => {
      if (!isStopped) timer = setTimeout(start, RESTART_DELAY_MS);
    });
  };
  start();
  return {
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, "exit");
      child.kill();
      await exited;
    },
  };
}
