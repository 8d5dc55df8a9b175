import { type StreamWrap, streamWrap, type TcpHandle } from "./stream-wrap.ts";

/** Who gets what comes on a handle. */
export interface HandleOwner {
  /**
   * @param status how many bytes have come, or a negative error, the end among them
   * @param bytes where they are, unless the handle uses a buffer
   * @returns the buffer to read into from now on, if it is another one
   */
  onRead(status: number, bytes: ArrayBuffer | undefined): Uint8Array | undefined;
}

const kOwner = Symbol("owner");

interface OwnedHandle extends TcpHandle {
  [kOwner]: HandleOwner | undefined;
}

/** Makes `owner` get what comes on `handle`, by a function that all handles share. */
export function own(handle: TcpHandle, owner: HandleOwner): void {
  (handle as OwnedHandle)[kOwner] = owner;
  handle.onread = onRead;
}

/** Returns the owner, who hears of nothing more, and is not held on to. */
export function disown(handle: TcpHandle): HandleOwner | undefined {
  const owner = (handle as OwnedHandle)[kOwner];
  (handle as OwnedHandle)[kOwner] = undefined;
  return owner;
}

function onRead(this: TcpHandle, bytes: ArrayBuffer | undefined): Uint8Array | undefined {
  const { streamBaseState, kReadBytesOrError } = streamWrap as StreamWrap;
  return (this as OwnedHandle)[kOwner]?.onRead(streamBaseState[kReadBytesOrError], bytes);
}
