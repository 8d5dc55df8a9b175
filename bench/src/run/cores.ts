import { readFileSync } from "node:fs";

/** The cores of the program under test and of the load, so that they do not share time or caches. */
export interface Cores {
  readonly subject: number;
  readonly load: number;
  /** The second core of programs that use two. Without a third core, it is the core of the load. */
  readonly second: number;
}

/** Chooses physical cores that this process may use. Returns undefined if there are fewer than two. */
export function chooseCores(): Cores | undefined {
  const chosen: number[] = [];
  const taken = new Set<number>();
  for (const core of allowedCores()) {
    if (taken.has(core)) continue;
    chosen.push(core);
    for (const sibling of siblingsOf(core)) taken.add(sibling);
  }
  if (chosen.length < 2) return undefined;
  // The first core often handles the interrupts of the machine, so it is left out if possible.
  const [subject, load, second = load] = chosen.length > 3 ? chosen.slice(1) : chosen;
  return { subject, load, second };
}

function allowedCores(): readonly number[] {
  const status = readFileSync("/proc/self/status", "latin1");
  return parseList(/^Cpus_allowed_list:\s*(\S+)/m.exec(status)?.[1] ?? "");
}

function siblingsOf(core: number): readonly number[] {
  const path = `/sys/devices/system/cpu/cpu${core}/topology/thread_siblings_list`;
  try {
    return parseList(readFileSync(path, "latin1").trim());
  } catch {
    return [core];
  }
}

/** Linux writes sets of cores as `0-3,8`. */
function parseList(text: string): readonly number[] {
  return text.split(",").flatMap((range) => {
    const [first, last = first] = range.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}
