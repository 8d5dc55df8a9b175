import type { ConnectionEnvironment } from "../../connection/byte-connection-options.ts";
import { FlushQueue } from "../../connection/flush-queue.ts";
import { SlabPool } from "../../connection/slab-pool.ts";
import { SharedOutput } from "../../protocol/shared-output.ts";
import { debugLog } from "./debug-log.ts";
import { flushOnExit } from "./flush-on-exit.ts";
import { createZlibCodec } from "./deflate/zlib-codec.ts";
import { nodeProtocolEnvironment } from "./protocol-environment.ts";
import { wheel } from "./timers.ts";

const RESOLVED = Promise.resolve();

// After an I/O callback, `process.nextTick` callbacks run before promise jobs. A tick that is requested in a
// promise job runs after all promise jobs. `queueMicrotask` would also create an `AsyncResource`, which takes
// up to 0.6 µs a turn.
const defer = (callback: () => void): void => {
  void RESOLVED.then(() => process.nextTick(callback));
};

const flushQueue = new FlushQueue(defer);
flushOnExit(flushQueue);

/** The environment that all connections of the process share. It uses only documented Node.js APIs. */
export const nodeEnvironment: ConnectionEnvironment = {
  protocol: nodeProtocolEnvironment,
  sharedOutput: new SharedOutput((byteLength) => Buffer.allocUnsafeSlow(byteLength)),
  pool: new SlabPool((byteLength) => Buffer.allocUnsafeSlow(byteLength)),
  wheel,
  flushQueue,
  deflateCodec: createZlibCodec(),
  log: debugLog,
  defer,
};
