import type { BufferPool, OutputBuffer } from "../protocol/output-buffer.ts";
import type { ByteTransport } from "./byte-transport.ts";

/**
 * The most that is written at once where the transport does not say how much of it has left: a large
 * message leaves in pieces, so that it can be seen that a slow peer takes it.
 */
const MAX_UNSEEN_BYTES = 65_536;

/** Writes the output of a connection to its transport, and knows how much of it has left. */
export class OutputWriter {
  readonly #output: OutputBuffer;
  readonly #pool: BufferPool;
  readonly #transport: ByteTransport;

  /** The output buffer that the transport still reads from: it takes no other before it drains. */
  #unsent: Uint8Array | undefined;
  /** Whether others write that too. */
  #isUnsentShared = false;
  /** How much of it has left in pieces before the latest. */
  #sentBytes = 0;
  /** How much of it has not. */
  #unsentBytes = 0;
  /** How much of that is in the piece written last. */
  #pieceBytes = 0;
  /** By how many bytes compression made the output that has not left shorter. */
  #unsentSavedBytes = 0;

  constructor(output: OutputBuffer, pool: BufferPool, transport: ByteTransport) {
    this.#output = output;
    this.#pool = pool;
    this.#transport = transport;
  }

  /** Whether the transport still holds earlier output. */
  get isBlocked(): boolean {
    return this.#unsent !== undefined;
  }

  /** Whether nothing is left to be sent. */
  get isEmpty(): boolean {
    return this.#unsent === undefined && this.#output.length === 0;
  }

  /** What is to be sent and has not left, as it goes over the wire. */
  get waitingBytes(): number {
    return this.#output.length + this.heldBackBytes;
  }

  /** What has been written and has not left. */
  get heldBackBytes(): number {
    if (this.#unsent === undefined) return this.#unsentBytes;
    const unwritten = this.#transport.unwrittenBytes ?? this.#pieceBytes;
    return this.#unsentBytes - this.#pieceBytes + unwritten;
  }

  /** Bytes of output that have not left, with messages counted as they were before compression. */
  get bufferedAmount(): number {
    return this.waitingBytes + this.#output.savedBytes + this.#unsentSavedBytes;
  }

  /** Writes what waits; nothing while blocked. */
  write(): void {
    const output = this.#output;
    if (output.length === 0 || this.#unsent !== undefined) return;
    this.#unsentBytes = output.length;
    this.#sentBytes = 0;
    this.#isUnsentShared = output.isShared;
    this.#unsentSavedBytes = output.savedBytes;
    this.#unsent = output.detach();
    this.#writePieces(this.#unsent);
  }

  /** The transport has drained: goes on with what it was not given before. */
  onDrain(): void {
    if (this.#unsent === undefined) return;
    this.#countPiece();
    this.#writePieces(this.#unsent);
  }

  /** The transport is gone. What never left goes on being counted, as the WHATWG interface has it. */
  abandon(): void {
    this.#unsentBytes = this.waitingBytes;
    this.#unsentSavedBytes += this.#output.savedBytes;
    this.#unsent = undefined;
    this.#output.detach();
  }

  /** Writes one piece after the other until the transport holds one back. */
  #writePieces(slab: Uint8Array): void {
    while (this.#unsentBytes > 0) {
      this.#pieceBytes = Math.min(this.#unsentBytes, this.#maxPieceBytes());
      if (!this.#transport.write(this.#pieceOf(slab))) return;
      this.#countPiece();
    }
    this.#unsent = undefined;
    this.#unsentSavedBytes = 0;
    if (!this.#isUnsentShared) this.#pool.give(slab);
  }

  #pieceOf(slab: Uint8Array): Uint8Array {
    if (slab.length === this.#pieceBytes) return slab;
    return slab.subarray(this.#sentBytes, this.#sentBytes + this.#pieceBytes);
  }

  #maxPieceBytes(): number {
    const isSeen =
      this.#unsentBytes <= MAX_UNSEEN_BYTES || this.#transport.unwrittenBytes !== undefined;
    return isSeen ? this.#unsentBytes : MAX_UNSEEN_BYTES;
  }

  /** The piece written last has left. */
  #countPiece(): void {
    this.#sentBytes += this.#pieceBytes;
    this.#unsentBytes -= this.#pieceBytes;
  }
}
