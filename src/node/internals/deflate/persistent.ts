import { constants, createDeflateRaw, createInflateRaw } from "node:zlib";
import type {
  DeflateContext,
  Deflater,
  DeflateTuning,
  Inflater,
  InflateFailure,
} from "../../../protocol/deflate/codec.ts";
import { maxDeflatedBytes } from "../../../protocol/deflate/message-deflate.ts";
import { logUnusedFastPath } from "../../environment/debug-log.ts";
import { oneShotZlib, type ZlibStreams } from "../../environment/deflate/zlib-codec.ts";
import {
  compressorOptions,
  FLUSH_TAIL,
  LAST_BLOCK,
} from "../../environment/deflate/zlib-parameters.ts";

/**
 * The native part of a zlib stream of Node.js. It is not documented, so `isPersistentZlibUsable` checks
 * before the first use that it works as in Node.js 20 to 24.
 */
interface ZlibHandle {
  /**
   * Sets the stream's `_writeState`: the number of unused bytes in `output`, and the number of unread input
   * bytes.
   */
  writeSync(
    flush: number,
    input: Uint8Array,
    inputStart: number,
    inputBytes: number,
    output: Uint8Array,
    outputStart: number,
    outputBytes: number,
  ): void;
  /** Begins a new stream with an empty window. */
  reset(): void;
  onerror: (message: string, errno: number, code: string) => void;
}

interface ZlibStream {
  readonly _handle: ZlibHandle;
  readonly _writeState: Uint32Array;
  close(): void;
}

/** The size of the stream's own buffer, which is not used. This is the smallest size that Node.js allows. */
const chunkSize = constants.Z_MIN_CHUNK;

/**
 * The output buffer for most messages. All streams share it, because the output is consumed before the next
 * message.
 */
const scratch = Buffer.allocUnsafeSlow(65_536);

/**
 * Compresses all messages with one zlib stream, so that a message needs neither an allocation nor a new
 * stream.
 */
class PersistentDeflater implements Deflater {
  readonly #stream: ZlibStream;
  readonly #takesOver: boolean;

  constructor(context: DeflateContext, level: number, tuning?: DeflateTuning) {
    const stream = createDeflateRaw({ ...compressorOptions(context, level, tuning), chunkSize });
    this.#stream = stream as unknown as ZlibStream;
    this.#takesOver = context.takesOver;
  }

  deflate(message: Uint8Array): Uint8Array {
    const { _handle: handle, _writeState: state } = this.#stream;
    const mostBytes = maxDeflatedBytes(message.length);
    const output = mostBytes <= scratch.length ? scratch : Buffer.allocUnsafeSlow(mostBytes);
    handle.writeSync(constants.Z_SYNC_FLUSH, message, 0, message.length, output, 0, output.length);
    const length = output.length - state[0];
    if (!this.#takesOver) handle.reset();
    return output.subarray(0, length - FLUSH_TAIL.length);
  }

  close(): void {
    this.#stream.close();
  }
}

/** A tail with one more byte. If the stream ends where it should, exactly this byte remains unread. */
const CHECKED_TAIL = Uint8Array.of(...FLUSH_TAIL, ...LAST_BLOCK, 0);

/** Decompresses all messages with one zlib stream. */
class PersistentInflater implements Inflater {
  readonly #stream: ZlibStream;
  readonly #takesOver: boolean;
  #output: Uint8Array = scratch;
  #length = 0;
  #hasFailed = false;

  constructor({ windowBits, takesOver }: DeflateContext) {
    // A sender that negotiates a window of 256 bytes may use 512 bytes, as zlib's deflate does.
    const stream = createInflateRaw({ windowBits: Math.max(9, windowBits), chunkSize });
    this.#stream = stream as unknown as ZlibStream;
    this.#takesOver = takesOver;
    this.#stream._handle.onerror = () => {
      this.#hasFailed = true;
    };
  }

  inflate(
    bytes: Uint8Array,
    start: number,
    end: number,
    maxBytes: number,
  ): Uint8Array | InflateFailure {
    this.#output = scratch;
    this.#length = 0;
    this.#hasFailed = false;
    const isWithin =
      this.#feed(bytes, start, end, maxBytes) &&
      (this.#takesOver ? this.#feedTail(maxBytes) : this.#feedCheckedTail(maxBytes));
    if (!this.#takesOver || this.#hasFailed) this.#stream._handle.reset();
    const inflated = this.#output.subarray(0, this.#length);
    this.#output = scratch;
    if (this.#hasFailed) return "invalid";
    return isWithin ? inflated : "too-big";
  }

  close(): void {
    this.#stream.close();
  }

  /** Inflates `bytes[start, end)`. Returns false if that failed or the result exceeds `maxBytes`. */
  #feed(bytes: Uint8Array, start: number, end: number, maxBytes: number): boolean {
    let at = start;
    while (at < end) {
      const left = this.#write(bytes, at, end, maxBytes);
      if (left < 0) return false;
      // RFC 7692 7.2.3.4: a block with BFINAL set may be anywhere in a message. After such a block, zlib
      // clears the window, both here and in the sender.
      if (left > 0) this.#stream._handle.reset();
      at = end - left;
    }
    return true;
  }

  #feedTail(maxBytes: number): boolean {
    const before = this.#length;
    const left = this.#write(FLUSH_TAIL, 0, FLUSH_TAIL.length, maxBytes);
    if (left > 0) this.#stream._handle.reset();
    // If the message ended with a last block, zlib does not read the tail. Otherwise, zlib must read the
    // whole tail.
    return this.#checkTail(left > 0 && left < FLUSH_TAIL.length, left, before);
  }

  #feedCheckedTail(maxBytes: number): boolean {
    const length = CHECKED_TAIL.length;
    const before = this.#length;
    const left = this.#write(CHECKED_TAIL, 0, length, maxBytes);
    // If the message ended with a last block, zlib does not read the tail. If that block was empty and stored, the
    // sender has removed its end (RFC 7692 7.2.1), and zlib reads only the flush tail.
    const isPartial = left !== 1 && left !== length && left !== length - FLUSH_TAIL.length;
    return this.#checkTail(isPartial, left, before);
  }

  /** Checks how much of a tail was read. If the tail was read as content, the message was cut off. */
  #checkTail(isPartial: boolean, left: number, lengthBefore: number): boolean {
    this.#hasFailed ||= isPartial || this.#length > lengthBefore;
    return left >= 0 && !this.#hasFailed;
  }

  /**
   * Returns the number of input bytes that remain because the stream has ended; -1 after a failure, or if the
   * result is too big.
   */
  #write(input: Uint8Array, start: number, end: number, maxBytes: number): number {
    const { _handle: handle, _writeState: state } = this.#stream;
    for (let at = start; ; at = end - state[1]) {
      const output = this.#output;
      handle.writeSync(
        constants.Z_SYNC_FLUSH,
        input,
        at,
        end - at,
        output,
        this.#length,
        output.length - this.#length,
      );
      if (this.#hasFailed) return -1;
      this.#length = output.length - state[0];
      if (this.#length > maxBytes) return -1;
      if (state[0] > 0) return state[1];
      this.#grow(maxBytes);
    }
  }

  /** Grows to at most one byte over the limit, which bounds the memory that a zip bomb uses. */
  #grow(maxBytes: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.min(this.#output.length * 4, maxBytes + 1));
    grown.set(this.#output);
    this.#output = grown;
  }
}

/** Uses the native part of zlib streams directly (bench: deflate). */
export const persistentZlib: ZlibStreams = {
  createDeflater: (context, level, tuning) => new PersistentDeflater(context, level, tuning),
  createInflater: (context) => new PersistentInflater(context),
};

/**
 * Like {@link persistentZlib}, if a check before the first use shows that this Node.js version supports it.
 * Otherwise, it uses the public functions.
 */
export const fastZlib: ZlibStreams = {
  createDeflater: (context, level, tuning) => streams().createDeflater(context, level, tuning),
  createInflater: (context) => streams().createInflater(context),
};

function streams(): ZlibStreams {
  if (isPersistentZlibUsable()) return persistentZlib;
  logUnusedFastPath("one zlib stream for all messages");
  return oneShotZlib;
}

let isUsable: boolean | undefined;

/** Whether zlib streams of this Node.js version, used directly, decompress what they have compressed. */
export function isPersistentZlibUsable(): boolean {
  isUsable ??= check();
  return isUsable;
}

function check(): boolean {
  const message = Buffer.from("A message to compress and restore. ".repeat(8));
  try {
    return [true, false].every((takesOver) => {
      const deflater = new PersistentDeflater({ windowBits: 15, takesOver }, 6);
      const inflater = new PersistentInflater({ windowBits: 15, takesOver });
      const isRestored = [1, 2].every(() => {
        const deflated = Buffer.from(deflater.deflate(message));
        const inflated = inflater.inflate(deflated, 0, deflated.length, message.length);
        return typeof inflated !== "string" && message.equals(inflated);
      });
      const isRefused = inflater.inflate(Uint8Array.of(0xff), 0, 1, 1) === "invalid";
      deflater.close();
      inflater.close();
      return isRestored && isRefused;
    });
  } catch {
    return false;
  }
}
