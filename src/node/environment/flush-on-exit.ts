import type { FlushQueue } from "../../connection/flush-queue.ts";

/** Several copies of this package in a process share one listener. */
const kFlushQueues = Symbol.for("tideway.flushQueues");

interface ProcessWithQueues {
  [kFlushQueues]?: FlushQueue[];
}

/**
 * Writes the output that waits in `queue` when the process exits. Without this, messages and Close frames that the
 * application sends in the same turn of the event loop as `process.exit()` would be lost.
 */
export function flushOnExit(queue: FlushQueue): void {
  const shared = process as ProcessWithQueues;
  if (shared[kFlushQueues] === undefined) {
    const queues: FlushQueue[] = [];
    shared[kFlushQueues] = queues;
    process.on("exit", () => {
      for (const waiting of queues) waiting.stopDeferring();
    });
  }
  shared[kFlushQueues].push(queue);
}
