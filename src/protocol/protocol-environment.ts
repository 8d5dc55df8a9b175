/**
 * The functions of a runtime that the protocol needs. Each runtime folder supplies its fastest
 * implementation, so that the protocol itself stays plain ECMAScript.
 */
export interface ProtocolEnvironment {
  /** The longest text, in bytes of UTF-8, that always fits into a string of this runtime. */
  readonly maxTextBytes: number;

  /** Returns `byteLength` bytes in a buffer that nothing else uses; they may be uninitialised. */
  allocate(byteLength: number): Uint8Array;

  /**
   * Returns memory that holds messages of several peers. It must not be transferable to a worker,
   * because a receiver of one message would take the memory of the others away.
   */
  allocatePool(byteLength: number): ArrayBuffer;

  /** Whether `bytes[start, end)` are all below 0x80. */
  isAscii(bytes: Uint8Array, start: number, end: number): boolean;

  /**
   * Decodes the bytes of `bytes[start, end)` that are below 0x80. Any other byte may become any
   * character, but it must be one UTF-16 unit of the string, as in Latin-1.
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
