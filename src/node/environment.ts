import { type ConnectionEnvironment } from "../connection/byte-connection.ts";
import { FlushQueue } from "../connection/flush-queue.ts";
import { SlabPool } from "../connection/slab-pool.ts";
import { nodePlatform } from "./platform.ts";
import { wheel } from "./timers.ts";

// process.nextTick runs once the running callback and all its promise jobs have ended.
const defer = (callback: () => void): void => process.nextTick(callback);

/** What all connections of the process share. */
export const nodeEnvironment: ConnectionEnvironment = {
  platform: nodePlatform,
  pool: new SlabPool((byteLength) => Buffer.allocUnsafeSlow(byteLength)),
  wheel,
  flushQueue: new FlushQueue(defer),
  defer,
};
