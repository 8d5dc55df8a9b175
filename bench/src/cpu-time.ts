import { readFileSync, readdirSync } from "node:fs";

/** The processor time of all threads of a process in seconds, user and kernel mode together. */
export function cpuSeconds(pid: number): number {
  let nanoseconds = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const [onCpu] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "latin1").split(" ");
    nanoseconds += Number(onCpu);
  }
  return nanoseconds / 1e9;
}
