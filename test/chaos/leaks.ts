import { readdirSync } from "node:fs";
import { collectGarbage } from "../support/collect-garbage.ts";

/** The resources that a process holds. */
export interface Holdings {
  /** Open descriptors; 0 if the system does not list them. */
  readonly descriptors: number;
  /** Sockets, servers and similar handles, by kind. */
  readonly handles: Readonly<Record<string, number>>;
  /** Bytes on the heap after a garbage collection. */
  readonly heapBytes: number;
}

export function countHoldings(): Holdings {
  const handles: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) {
    // The numbers of timers and immediates vary.
    if (/wrap|handle/i.test(kind)) handles[kind] = (handles[kind] ?? 0) + 1;
  }
  collectGarbage();
  return {
    descriptors: countDescriptors(),
    handles,
    heapBytes: process.memoryUsage().heapUsed,
  };
}

function countDescriptors(): number {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    return 0;
  }
}

/** The allowance for code that V8 compiles late, and for its feedback. */
const HEAP_ALLOWANCE_BYTES = 8 * 1024 * 1024;

/** Describes each resource that has grown from `before` to `after`. Empty without a leak. */
export function findLeaks(before: Holdings, after: Holdings): string[] {
  const leaks: string[] = [];
  if (after.descriptors > before.descriptors) {
    leaks.push(`${after.descriptors} descriptors are open, ${before.descriptors} were open before`);
  }
  for (const [kind, count] of Object.entries(after.handles)) {
    const earlier = before.handles[kind] ?? 0;
    if (count > earlier)
      leaks.push(`${count} handles of kind ${kind} are open, ${earlier} were open before`);
  }
  if (after.heapBytes > before.heapBytes + HEAP_ALLOWANCE_BYTES) {
    leaks.push(`the heap grew from ${before.heapBytes} to ${after.heapBytes} bytes`);
  }
  return leaks;
}
