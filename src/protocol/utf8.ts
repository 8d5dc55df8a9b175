/**
 * Validates UTF-8 incrementally (RFC 3629). It finds an invalid byte as soon as that byte arrives, even if a
 * sequence is split between chunks or fragments.
 */
export class Utf8Validator {
  /** The number of continuation bytes that are missing from the latest sequence. */
  #missing = 0;
  /**
   * The lowest and the highest value of the next continuation byte. The range is narrower than 80-BF only
   * after some lead bytes.
   */
  #lowest = 0x80;
  #highest = 0xbf;

  /** Whether the bytes so far end with a complete sequence. */
  get isComplete(): boolean {
    return this.#missing === 0;
  }

  /** Checks `bytes[start, end)`. Returns false at the first byte that cannot be part of valid UTF-8. */
  push(bytes: Uint8Array, start: number, end: number): boolean {
    let at = start;
    while (at < end) {
      if (this.#missing === 0) {
        at = skipAscii(bytes, at, end);
        if (at === end) return true;
        if (!this.#lead(bytes[at])) return false;
      } else {
        const byte = bytes[at];
        if (byte < this.#lowest || byte > this.#highest) return false;
        this.#lowest = 0x80;
        this.#highest = 0xbf;
        this.#missing--;
      }
      at++;
    }
    return true;
  }

  /** RFC 3629 4: the ranges exclude overlong forms, surrogates and code points above U+10FFFF. */
  #lead(byte: number): boolean {
    if (byte < 0xc2 || byte > 0xf4) return false;
    if (byte < 0xe0) {
      this.#missing = 1;
    } else if (byte < 0xf0) {
      this.#missing = 2;
      if (byte === 0xe0) this.#lowest = 0xa0;
      if (byte === 0xed) this.#highest = 0x9f;
    } else {
      this.#missing = 3;
      if (byte === 0xf0) this.#lowest = 0x90;
      if (byte === 0xf4) this.#highest = 0x8f;
    }
    return true;
  }
}

function skipAscii(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at + 4 <= end && (bytes[at] | bytes[at + 1] | bytes[at + 2] | bytes[at + 3]) < 0x80) {
    at += 4;
  }
  while (at < end && bytes[at] < 0x80) at++;
  return at;
}
