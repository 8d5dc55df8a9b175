import type { OnReadOpts, Socket } from "node:net";
import { inNextTurn } from "../environment/timers.ts";

/**
 * The maximum size of a read while much data arrives. With 16 KiB messages, it saves three of four system
 * calls.
 */
const MAX_READ_BYTES = 262_144;

/** The maximum size of all other reads. A reader that pauses keeps the rest of its last read in memory. */
const USUAL_READ_BYTES = 65_536;

/**
 * The maximum number of large reads by one connection in a turn of the event loop. Libuv reads up to 32 times
 * from one connection before it continues with the next connection, so this limits how long one connection
 * can delay the others.
 */
const MAX_READS_PER_TURN = 2;

/**
 * The buffer that all sockets of the process read into. Without it, a socket allocates 64 KiB for each
 * read, and that memory is in use until the chunk is garbage-collected.
 */
const READ_BUFFER: Buffer = Buffer.allocUnsafeSlow(MAX_READ_BYTES);

/** The part of the buffer that a connection reads into at first. */
export const USUAL_BUFFER: Buffer = READ_BUFFER.subarray(0, USUAL_READ_BYTES);

/**
 * The `onread` option that makes the socket returned by `getSocket` read into the shared buffer. The socket
 * emits 'data' as usual, but the bytes are valid only during the event. While the socket has no 'data'
 * listener it must be paused.
 */
export function sharedReads(getSocket: () => Socket): OnReadOpts {
  const pace = new ReadPace();
  let next = USUAL_BUFFER;
  return {
    buffer: () => next,
    callback: (byteLength) => {
      next = emitRead(getSocket(), byteLength, pace);
      return true;
    },
  };
}

/** Emits a read as 'data', and returns the buffer for the next read. */
export function emitRead(socket: Socket, byteLength: number, pace: ReadPace | undefined): Buffer {
  socket.emit("data", sharedBytes(byteLength));
  return bufferAfter(byteLength, socket.isPaused(), pace);
}

/** The latest view of the buffer. Successive reads often have the same length, and then share the view. */
let latestView = READ_BUFFER;

/** Returns the first bytes of the shared buffer. They are valid only while the read is handled. */
export function sharedBytes(byteLength: number): Uint8Array {
  if (latestView.length !== byteLength) latestView = READ_BUFFER.subarray(0, byteLength);
  return latestView;
}

/**
 * Returns the buffer for the next read.
 *
 * @param byteLength the number of bytes that the last read returned
 * @param pace the pace of the connection; undefined if it has not had a full read yet
 */
export function bufferAfter(
  byteLength: number,
  isPaused: boolean,
  pace: ReadPace | undefined,
): Buffer {
  if (pace === undefined || !isFullRead(byteLength) || isPaused) return USUAL_BUFFER;
  return pace.take() ? READ_BUFFER : USUAL_BUFFER;
}

/** Whether a read filled the usual buffer, so that more bytes are probably waiting. */
export function isFullRead(byteLength: number): boolean {
  return byteLength >= USUAL_READ_BYTES;
}

/** Counts the large reads of one connection in the current turn of the event loop. */
export class ReadPace {
  #turn = -1;
  #count = 0;

  /** Counts one large read. Returns whether it is still within the limit. */
  take(): boolean {
    const turn = runningTurn();
    if (turn !== this.#turn) this.#count = 0;
    this.#turn = turn;
    return this.#count++ < MAX_READS_PER_TURN;
  }
}

let turn = 0;
let isTurnEnding = false;

/** Returns a number that identifies the current turn of the event loop. */
function runningTurn(): number {
  if (!isTurnEnding) {
    isTurnEnding = true;
    inNextTurn(() => {
      turn++;
      isTurnEnding = false;
    });
  }
  return turn;
}
