/** Views of one buffer, in units of several sizes. All views begin at its first byte. */
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
