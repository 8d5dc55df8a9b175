import type { WriteListener } from "../../tcp/tcp-accelerator.ts";
import { type HandleRequest, streamWrap, type TcpHandle } from "./stream-wrap.ts";

/** The part of a handle that writes. */
export type WritableHandle = Pick<TcpHandle, "writeBuffer" | "writeLatin1String">;

/** The status of a write that has not completed: its listener is called later. */
export const WAITS = 1;

/**
 * Writes bytes, or text of one byte a character.
 *
 * @returns 0 if all bytes have left for the kernel, so that the caller may use them again;
 *   {@link WAITS}; or a negative error
 */
export function write(
  handle: WritableHandle,
  data: Uint8Array | string,
  listener: WriteListener,
): number {
  const { WriteWrap, streamBaseState, kLastWriteWasAsync } = streamWrap();
  const request = spareRequest ?? new WriteWrap();
  spareRequest = undefined;
  const status =
    typeof data === "string"
      ? handle.writeLatin1String(request, data)
      : handle.writeBuffer(request, data);
  if (status !== 0) return status;
  if (streamBaseState[kLastWriteWasAsync] === 0) {
    spareRequest = request;
    return 0;
  }
  request.listener = listener;
  request.data = data;
  request.oncomplete = onWritten;
  return WAITS;
}

/** A request to use again: a write that completes at once leaves its request unchanged. */
let spareRequest: HandleRequest | undefined;

function onWritten(this: HandleRequest, status: number): void {
  const listener = this.listener as WriteListener;
  // A request lives one or two collections longer than its write, and would keep both alive.
  this.listener = undefined;
  this.data = undefined;
  listener.written(status);
}
