import { getSystemErrorName } from "node:util";
import { type HandleRequest, type StreamWrap, streamWrap, type TcpHandle } from "./stream-wrap.ts";

/** Whoever waits for a write. */
export interface WriteOwner {
  /** It has left, where `status` is 0; otherwise that is a negative error. */
  written(status: number): void;
}

/** What of a handle is written to. */
export type WritableHandle = Pick<TcpHandle, "writeBuffer" | "writeLatin1String">;

/** Some of a write has not left: its owner is told later. Errors are negative. */
export const WAITS = 1;

/**
 * Writes bytes, or text of one byte a character. Returns 0 if all has left, so that the bytes are free;
 * {@link WAITS}; or a negative error.
 */
export function write(
  handle: WritableHandle,
  data: Uint8Array | string,
  owner: WriteOwner,
): number {
  const wrap = streamWrap as StreamWrap;
  const request = spareRequest ?? new wrap.WriteWrap();
  spareRequest = undefined;
  const status =
    typeof data === "string"
      ? handle.writeLatin1String(request, data)
      : handle.writeBuffer(request, data);
  if (status !== 0) return status;
  if (wrap.streamBaseState[wrap.kLastWriteWasAsync] === 0) {
    spareRequest = request;
    return 0;
  }
  request.owner = owner;
  request.data = data;
  request.oncomplete = onWritten;
  return WAITS;
}

/** The error that a stream would end with. */
export function systemError(status: number, syscall: string): NodeJS.ErrnoException {
  const code = getSystemErrorName(status);
  return Object.assign(new Error(`${syscall} ${code}`), { code, errno: status, syscall });
}

/** A write that is done at once leaves its request as it was: nearly all of them share one. */
let spareRequest: HandleRequest | undefined;

function onWritten(this: HandleRequest, status: number): void {
  const owner = this.owner as WriteOwner;
  // Requests outlive what they are for by a collection or two, and so would all that they hold.
  this.owner = undefined;
  this.data = undefined;
  owner.written(status);
}
