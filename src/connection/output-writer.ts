import type { OutputBuffer } from "../protocol/output-buffer.ts";
import type { ByteTransport } from "./byte-transport.ts";

/**
 * The most bytes per write to a transport that does not show its progress. A large message is
 * written in pieces, so that the heartbeat can see the progress of a slow peer.
 */
const MAX_PIECE_BYTES = 65_536;

/** Writes the output of a connection to its transport, and counts what the kernel has not accepted. */
export class OutputWriter {
  readonly #output: OutputBuffer;
  readonly #transport: ByteTransport;

  /**
   * The output buffer that the transport still reads from. The transport accepts no other buffer before it
   * drains.
   */
  #unsent: Uint8Array | undefined;
  /** Whether other connections write `#unsent` too. */
  #isUnsentShared = false;
  /** Bytes of `#unsent` in the pieces before the latest, which the kernel has accepted. */
  #sentBytes = 0;
  /** Bytes of `#unsent` after those. */
  #unsentBytes = 0;
  /** Bytes of the latest piece. */
  #pieceBytes = 0;
  /** The number of bytes that compression saved in the unsent output. */
  #unsentSavedBytes = 0;

  constructor(output: OutputBuffer, transport: ByteTransport) {
    this.#output = output;
    this.#transport = transport;
  }

  /** Whether the transport still holds earlier output. */
  get isBlocked(): boolean {
    return this.#unsent !== undefined;
  }

  /** Whether there is no output left. */
  get isEmpty(): boolean {
    return this.#unsent === undefined && this.#output.length === 0;
  }

  /** Bytes of output that the kernel has not accepted, as sent over the wire. */
  get waitingBytes(): number {
    return this.#output.length + this.unwrittenBytes;
  }

  /** Bytes written that the kernel has not accepted. */
  get unwrittenBytes(): number {
    if (this.#unsent === undefined) return this.#unsentBytes;
    const ofPiece = this.#transport.unwrittenBytes ?? this.#pieceBytes;
    return this.#unsentBytes - this.#pieceBytes + ofPiece;
  }

  /** Bytes of unsent output, with messages counted as they were before compression. */
  get bufferedAmount(): number {
    return this.waitingBytes + this.#output.savedBytes + this.#unsentSavedBytes;
  }

  /** Writes the waiting output. Does nothing while blocked. */
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

  /** The transport has drained: writes the remaining pieces. */
  onDrain(): void {
    if (this.#unsent === undefined) return;
    this.#countPiece();
    this.#writePieces(this.#unsent);
  }

  /** The transport is closed. Unsent output still counts, as in the WHATWG interface. */
  abandon(): void {
    this.#unsentBytes = this.waitingBytes;
    this.#unsentSavedBytes += this.#output.savedBytes;
    this.#unsent = undefined;
    this.#output.detach();
  }

  /** Writes pieces until the transport does not accept one at once. */
  #writePieces(slab: Uint8Array): void {
    while (this.#unsentBytes > 0) {
      this.#pieceBytes = Math.min(this.#unsentBytes, this.#maxPieceBytes());
      if (!this.#transport.write(this.#pieceOf(slab))) return;
      this.#countPiece();
    }
    this.#unsent = undefined;
    this.#unsentSavedBytes = 0;
    if (!this.#isUnsentShared) this.#output.recycle(slab);
  }

  #pieceOf(slab: Uint8Array): Uint8Array {
    if (slab.length === this.#pieceBytes) return slab;
    return slab.subarray(this.#sentBytes, this.#sentBytes + this.#pieceBytes);
  }

  #maxPieceBytes(): number {
    const isProgressVisible =
      this.#unsentBytes <= MAX_PIECE_BYTES || this.#transport.unwrittenBytes !== undefined;
    return isProgressVisible ? this.#unsentBytes : MAX_PIECE_BYTES;
  }

  /** The kernel has accepted the latest piece. */
  #countPiece(): void {
    this.#sentBytes += this.#pieceBytes;
    this.#unsentBytes -= this.#pieceBytes;
  }
}
