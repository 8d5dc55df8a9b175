import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { getSystemErrorName } from "node:util";

/** Receives the result of a write that did not complete at once. */
export interface WriteListener {
  /**
   * @param status 0 if the kernel has accepted all bytes, or a negative error code of libuv
   */
  written(status: number): void;
}

/** Operations on sockets that undocumented APIs of Node.js make faster. */
export interface TcpAccelerator {
  /** Whether `write` may be used for `socket`. */
  canWrite(socket: Duplex): socket is Socket;
  /**
   * Writes `bytes` without the stream of `socket`. A write that fails destroys the socket.
   *
   * @returns true if the kernel has accepted `bytes`; false if `listener.written` follows, or the write has failed.
   *   Undefined if nothing was written, so that the caller must write to the stream.
   */
  write(socket: Socket, bytes: Uint8Array, listener: WriteListener): boolean | undefined;
  /**
   * Makes an open socket read into the buffer of `shared-reads.ts`, if possible. The socket still emits
   * 'data', but the bytes are valid only during the event. Returns whether it reads into a shared buffer.
   */
  shareReads(socket: Duplex): boolean;
  /**
   * Returns the number of bytes that were written to `socket` and that the kernel has not accepted; undefined
   * if unknown.
   */
  unwrittenBytes(socket: Duplex): number | undefined;
}

/** Does nothing, so that the socket's stream does everything. */
export const plainTcp: TcpAccelerator = {
  canWrite: (_socket): _socket is Socket => false,
  write: () => undefined,
  shareReads: () => false,
  unwrittenBytes: () => undefined,
};

/** Creates the error that a stream emits for a negative error code of libuv. */
export function systemError(status: number, syscall: string): NodeJS.ErrnoException {
  const code = getSystemErrorName(status);
  return Object.assign(new Error(`${syscall} ${code}`), { code, errno: status, syscall });
}
