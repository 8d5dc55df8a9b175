import { readFileSync, readdirSync } from "node:fs";

/** The processor time of processes, with all their threads. */
export interface CpuTime {
  /** User and kernel mode together. */
  readonly seconds: number;
  /** Kernel mode alone, which Linux counts in ticks. */
  readonly kernelSeconds: number;
}

/** The length of a tick in `/proc`, which is the same for all kernel configurations. */
const TICK_SECONDS = 0.01;

export function cpuTime(pids: readonly number[]): CpuTime {
  let nanoseconds = 0;
  let kernelTicks = 0;
  for (const pid of pids) {
    kernelTicks += kernelTicksOf(pid);
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      const [onCpu] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "latin1").split(" ");
      nanoseconds += Number(onCpu);
    }
  }
  return { seconds: nanoseconds / 1e9, kernelSeconds: kernelTicks * TICK_SECONDS };
}

/** Reads `stime`, field 15 of proc_pid_stat(5). Field 2 is a name that may contain spaces and parentheses. */
function kernelTicksOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[12]);
}
