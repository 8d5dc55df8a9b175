import { streamWrap, type TcpHandle } from "./stream-wrap.ts";

/** Receives the bytes that are read from a handle. */
export interface HandleOwner {
  /**
   * @param status the number of bytes, or a negative error code; the end of the stream is such a code
   * @param bytes the buffer with the bytes; undefined if the handle reads into a user buffer
   * @returns the buffer for the next reads; undefined to keep the current one
   */
  onRead(status: number, bytes: ArrayBuffer | undefined): Uint8Array | undefined;
}

const kOwner = Symbol("owner");

interface OwnedHandle extends TcpHandle {
  [kOwner]: HandleOwner | undefined;
}

/** Attaches `owner` to `handle`. All handles share one `onread` function. */
export function attachOwner(handle: TcpHandle, owner: HandleOwner): void {
  (handle as OwnedHandle)[kOwner] = owner;
  handle.onread = onRead;
}

/** Detaches and returns the owner. */
export function detachOwner(handle: TcpHandle): HandleOwner | undefined {
  const owner = (handle as OwnedHandle)[kOwner];
  (handle as OwnedHandle)[kOwner] = undefined;
  return owner;
}

function onRead(this: TcpHandle, bytes: ArrayBuffer | undefined): Uint8Array | undefined {
  const { streamBaseState, kReadBytesOrError } = streamWrap();
  return (this as OwnedHandle)[kOwner]?.onRead(streamBaseState[kReadBytesOrError], bytes);
}
