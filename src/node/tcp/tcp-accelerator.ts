import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { getSystemErrorName } from "node:util";

/** Receives the result of a write that did not complete at once. */
export interface WriteListener {
  /** @param status 0 if all bytes have left for the kernel, or a negative error of libuv */
  written(status: number): void;
}

/** Operations on sockets that undocumented APIs of Node.js make faster. */
export interface TcpAccelerator {
  /** Whether `write` may be used for `socket`. */
  canWrite(socket: Duplex): socket is Socket;
  /**
   * Writes `bytes` without the stream of `socket`. A write that fails destroys the socket.
   *
   * @returns whether the caller may use `bytes` again; if not, `listener.written` reports when. Undefined if
   *   nothing was done, so that the caller must write to the stream.
   */
  write(socket: Socket, bytes: Uint8Array, listener: WriteListener): boolean | undefined;
  /**
   * Makes an open socket read into the buffer of `shared-reads.ts`, if possible. The socket emits
   * 'data' as before, but the bytes are valid only during the call.
   */
  shareReads(socket: Duplex): void;
  /** How many bytes written to `socket` have not left for the kernel; undefined if unknown. */
  unwrittenBytes(socket: Duplex): number | undefined;
}

/** Leaves everything to the stream of the socket. */
export const plainTcp: TcpAccelerator = {
  canWrite: (_socket): _socket is Socket => false,
  write: () => undefined,
  shareReads() {},
  unwrittenBytes: () => undefined,
};

/** The error that a stream emits for a negative status of libuv. */
export function systemError(status: number, syscall: string): NodeJS.ErrnoException {
  const code = getSystemErrorName(status);
  return Object.assign(new Error(`${syscall} ${code}`), { code, errno: status, syscall });
}
