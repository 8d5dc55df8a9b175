/** One memory, seen as units of several sizes; all begin at its first byte. */
export class ArrayViews {
  readonly buffer: ArrayBufferLike;
  readonly bytes: Uint8Array;
  readonly data: DataView;
  readonly words: Int32Array;
  #quads: BigUint64Array | undefined;

  constructor(buffer: ArrayBufferLike) {
    this.buffer = buffer;
    this.bytes = new Uint8Array(buffer);
    this.data = new DataView(buffer);
    this.words = new Int32Array(buffer, 0, buffer.byteLength >>> 2);
  }

  get quads(): BigUint64Array {
    this.#quads ??= new BigUint64Array(this.buffer, 0, this.buffer.byteLength >>> 3);
    return this.#quads;
  }
}

/** A larger buffer is not kept, so that its memory is not held. */
const MAX_KEPT_BUFFER_BYTES = 1 << 18;

let latestArray: Uint8Array = new Uint8Array(0);
let latestOffset = 0;
let latest: ArrayViews = new ArrayViews(latestArray.buffer);

/**
 * The views of the memory that `bytes` are in. The latest are kept, as many frames come in one chunk,
 * and many chunks in one buffer; the array is looked at first, because asking it for its buffer takes
 * longer than masking a short message.
 */
export function viewsOf(bytes: Uint8Array): ArrayViews {
  if (bytes === latestArray) return latest;
  const { buffer } = bytes;
  const views = buffer === latest.buffer ? latest : new ArrayViews(buffer);
  if (buffer.byteLength <= MAX_KEPT_BUFFER_BYTES) {
    latestArray = bytes;
    latestOffset = bytes.byteOffset;
    latest = views;
  }
  return views;
}

/** Where `bytes` begin in their memory; to be asked behind `viewsOf`, which takes as long as asking. */
export function offsetOf(bytes: Uint8Array): number {
  return bytes === latestArray ? latestOffset : bytes.byteOffset;
}
