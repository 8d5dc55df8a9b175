/**
 * The functions that the protocol needs from a runtime. The protocol itself is plain ECMAScript, so each
 * runtime can provide its fastest implementation.
 */
export interface ProtocolEnvironment {
  /** The maximum size of a text, in bytes of UTF-8, that always fits into a string of this runtime. */
  readonly maxTextBytes: number;

  /**
   * Whether 64-bit integers in a `BigUint64Array` cost no more than 32-bit integers, as in V8. If so, long payloads
   * are masked 64 bits at a time. Absent means false.
   */
  readonly hasFastBigInts?: boolean | undefined;

  /** Returns `byteLength` bytes in a buffer that nothing else uses; they may be uninitialised. */
  allocate(byteLength: number): Uint8Array;

  /**
   * Returns memory for the messages of several peers. It must not be transferable to a worker. Otherwise the
   * receiver of one message could take the memory of all others.
   */
  allocatePool(byteLength: number): ArrayBuffer;

  /**
   * Returns a view of `buffer` for a message. Absent if messages are plain `Uint8Array`s, which are created
   * fastest without a call.
   */
  readonly viewOf?:
    | ((buffer: ArrayBuffer, start: number, byteLength: number) => Uint8Array)
    | undefined;

  /** Whether `bytes[start, end)` are all below 0x80. */
  isAscii(bytes: Uint8Array, start: number, end: number): boolean;

  /**
   * Decodes `bytes[start, end)` into a string with one UTF-16 unit per byte. Bytes from 0x80 may become any
   * character, as in Latin-1.
   */
  decodeAscii(bytes: Uint8Array, start: number, end: number): string;

  /** Decodes `bytes[start, end)`, which MUST be valid UTF-8. A byte order mark is kept. */
  decodeUtf8(bytes: Uint8Array, start: number, end: number): string;

  /** Whether `bytes[start, end)` is valid UTF-8 (RFC 3629). */
  isUtf8(bytes: Uint8Array, start: number, end: number): boolean;

  /** The length of `text` in UTF-8, lone surrogates counted as U+FFFD. */
  utf8Length(text: string): number;

  /**
   * Writes `text` as UTF-8 at `target[offset]`, lone surrogates as U+FFFD, and returns the number
   * of bytes written. `target` MUST have room for the whole text.
   */
  encodeUtf8(text: string, target: Uint8Array, offset: number): number;

  /** Fills `bytes` from a cryptographically strong source (RFC 6455 5.3 and 10.3). */
  fillRandom(bytes: Uint8Array): void;

  /** The SHA-1 digest of an ASCII string, base64-encoded (RFC 6455 4.2.2). */
  sha1Base64(ascii: string): string;
}
