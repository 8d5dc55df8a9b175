import type { ConnectionEnvironment } from "../../connection/byte-connection-options.ts";
import { FlushQueue } from "../../connection/flush-queue.ts";
import { SlabPool } from "../../connection/slab-pool.ts";
import { SharedOutput } from "../../protocol/shared-output.ts";
import { debugLog } from "./debug-log.ts";
import { createZlibCodec } from "./deflate/zlib-codec.ts";
import { nodeProtocolEnvironment } from "./protocol-environment.ts";
import { wheel } from "./timers.ts";

// In a callback from the kernel, ticks run before promise jobs. A tick that is requested in a promise job
// runs after all of them.
const defer = (callback: () => void): void => queueMicrotask(() => process.nextTick(callback));

/** Shared by all connections of the process. It uses documented Node.js only. */
export const nodeEnvironment: ConnectionEnvironment = {
  protocol: nodeProtocolEnvironment,
  sharedOutput: new SharedOutput((byteLength) => Buffer.allocUnsafeSlow(byteLength)),
  pool: new SlabPool((byteLength) => Buffer.allocUnsafeSlow(byteLength)),
  wheel,
  flushQueue: new FlushQueue(defer),
  deflateCodec: createZlibCodec(),
  log: debugLog,
  defer,
};
