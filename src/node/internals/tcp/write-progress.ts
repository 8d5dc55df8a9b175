import { Socket } from "node:net";
import { platform } from "node:process";
import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";
import { undocumented } from "../undocumented.ts";

/** What this file knows of the inside of sockets, in Node 20, 22 and 24 alike. */
interface OpenedSocket extends Socket {
  readonly _handle?: CountingHandle | null;
}

interface CountingHandle {
  readonly writeQueueSize?: number;
}

/** On Windows a write is counted until the kernel has all of it. */
const IS_COUNTED_BY_BYTE = platform !== "win32";

/**
 * How many bytes of what was written to `socket` have not left for the kernel, as of now; undefined
 * where that cannot be seen: over TLS, what waits are bytes of another number.
 */
export function unwrittenBytes(socket: Duplex): number | undefined {
  if (!undocumented.isUsed || !(socket instanceof Socket) || socket instanceof TLSSocket) {
    return undefined;
  }
  const { _handle: handle }: OpenedSocket = socket;
  return handle ? unwrittenBytesOf(handle) : undefined;
}

/** The same for the handle below a socket. */
export function unwrittenBytesOf({ writeQueueSize }: CountingHandle): number | undefined {
  return IS_COUNTED_BY_BYTE && typeof writeQueueSize === "number" ? writeQueueSize : undefined;
}
