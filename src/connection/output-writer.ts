import { type TidewayError, TransportError } from "../errors/index.ts";
import type { OutputBuffer } from "../protocol/output-buffer.ts";
import type { ByteTransport } from "./byte-transport.ts";
import { WriteCallbacks } from "./write-callbacks.ts";

/**
 * The maximum number of bytes per write to a transport that does not report its progress. A large message is
 * written in pieces, so that the heartbeat notices the progress of a slow peer.
 */
const MAX_PIECE_BYTES = 65_536;

const NOT_WRITTEN = "the connection was closed before the data was written";

/**
 * Writes the output of a connection to its transport, and counts the bytes that the kernel has not accepted.
 */
export class OutputWriter {
  readonly #output: OutputBuffer;
  readonly #transport: ByteTransport;

  /**
   * The output buffer that the transport still reads from. The transport accepts no other buffer until it has
   * drained.
   */
  #unsent: Uint8Array | undefined;
  /** Whether other connections write `#unsent` too. */
  #isUnsentShared = false;
  /**
   * The number of bytes in the pieces of `#unsent` before the latest piece, which the kernel has accepted.
   */
  #sentBytes = 0;
  /** The number of bytes of `#unsent` in the latest piece and after it. */
  #unsentBytes = 0;
  /** The number of bytes in the latest piece. */
  #pieceBytes = 0;
  /** The number of bytes that compression saved in the unsent output. */
  #unsentSavedBytes = 0;
  /** Undefined until `whenWritten` is called. */
  #callbacks: WriteCallbacks | undefined;

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

  /**
   * The number of bytes of output that the kernel has not accepted, with messages counted after compression.
   */
  get waitingBytes(): number {
    return this.#output.length + this.unwrittenBytes;
  }

  /** The number of bytes that were written to the transport and that the kernel has not accepted. */
  get unwrittenBytes(): number {
    if (this.#unsent === undefined) return this.#unsentBytes;
    const ofPiece = this.#transport.unwrittenBytes ?? this.#pieceBytes;
    return this.#unsentBytes - this.#pieceBytes + ofPiece;
  }

  /** The number of bytes of unsent output, with messages counted before compression. */
  get bufferedAmount(): number {
    return this.waitingBytes + this.#output.savedBytes + this.#unsentSavedBytes;
  }

  /**
   * Calls back when the kernel has accepted all output so far, or with an error when the output is abandoned.
   */
  whenWritten(callback: (error?: TidewayError) => void): void {
    this.#callbacks ??= new WriteCallbacks();
    this.#callbacks.add(callback, this.#output.length > 0);
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
    this.#callbacks?.begin();
    this.#writePieces(this.#unsent);
  }

  /** Call this when the transport has drained. Writes the remaining pieces. */
  onDrain(): void {
    if (this.#unsent === undefined) return;
    this.#countPiece();
    this.#writePieces(this.#unsent);
  }

  /** Call this when the transport is closed. Unsent output still counts, as in the WHATWG interface. */
  abandon(error?: TidewayError): void {
    this.#unsentBytes = this.waitingBytes;
    this.#unsentSavedBytes += this.#output.savedBytes;
    this.#unsent = undefined;
    this.#output.detach();
    this.#callbacks?.fail(error ?? new TransportError("NOT_WRITTEN", NOT_WRITTEN));
  }

  /** Writes pieces until the kernel does not accept a piece at once. */
  #writePieces(slab: Uint8Array): void {
    while (this.#unsentBytes > 0) {
      this.#pieceBytes = Math.min(this.#unsentBytes, this.#maxPieceBytes());
      if (!this.#transport.write(this.#pieceOf(slab))) return;
      this.#countPiece();
    }
    this.#unsent = undefined;
    this.#unsentSavedBytes = 0;
    if (!this.#isUnsentShared) this.#output.recycle(slab);
    this.#callbacks?.succeed();
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

  /** Counts the latest piece, which the kernel has accepted. */
  #countPiece(): void {
    this.#sentBytes += this.#pieceBytes;
    this.#unsentBytes -= this.#pieceBytes;
  }
}
