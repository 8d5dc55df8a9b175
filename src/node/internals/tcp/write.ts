import type { WriteListener } from "../../tcp/tcp-accelerator.ts";
import { type HandleRequest, streamWrap, type TcpHandle } from "./stream-wrap.ts";

/** The methods of a handle that write. */
export type WritableHandle = Pick<TcpHandle, "writeBuffer" | "writeLatin1String">;

/** The status of a write that has not completed yet. Its listener is called when it has. */
export const WAITS = 1;

/**
 * Writes bytes, or a text with one byte per character.
 *
 * @returns 0 if the kernel has accepted all bytes, so that the caller may reuse them; {@link WAITS}; or a
 *   negative error code
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

/** A request object to reuse. A write that completes at once does not change its request. */
let spareRequest: HandleRequest | undefined;

function onWritten(this: HandleRequest, status: number): void {
  const listener = this.listener as WriteListener;
  // A request object survives one or two garbage collections after its write, and would keep the listener and
  // the data alive.
  this.listener = undefined;
  this.data = undefined;
  listener.written(status);
}
