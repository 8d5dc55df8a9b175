import type { ConnectionEnvironment } from "../../connection/byte-connection-options.ts";
import { FlushQueue } from "../../connection/flush-queue.ts";
import { SlabPool } from "../../connection/slab-pool.ts";
import { SharedOutput } from "../../protocol/index.ts";
import { createZlibCodec } from "./deflate/zlib-codec.ts";
import { nodePlatform } from "./protocol-environment.ts";
import { wheel } from "./timers.ts";

// In a callback from the kernel a tick comes before the promise jobs, but one asked for in a promise
// job comes after all of them.
const defer = (callback: () => void): void => queueMicrotask(() => process.nextTick(callback));

/** What all connections of the process share. */
export const nodeEnvironment: ConnectionEnvironment = {
  protocol: nodePlatform,
  sharedOutput: new SharedOutput((byteLength) => Buffer.allocUnsafeSlow(byteLength)),
  pool: new SlabPool((byteLength) => Buffer.allocUnsafeSlow(byteLength)),
  wheel,
  flushQueue: new FlushQueue(defer),
  deflateCodec: createZlibCodec(),
  defer,
};
