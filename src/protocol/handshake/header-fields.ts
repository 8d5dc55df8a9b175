/**
 * The header fields of an HTTP message, and parsers for the values of handshake fields. All take time
 * linear in their input.
 */

/** RFC 9110 5.6.2: a token is one or more of these. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** RFC 9110 5.5: visible ASCII, spaces, tabs and obs-text; no control character may pass. */
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

const NONE: readonly string[] = [];

/** Whether `text` is a token (RFC 9110 5.6.2). */
export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/** Whether `text` is allowed in a field's value, one character a byte (RFC 9110 5.5). */
export function isFieldValue(text: string): boolean {
  return FIELD_VALUE.test(text);
}

/**
 * The header fields of one message. Iterating over them yields `[name, value]` in the order of arrival, with
 * each name spelled as it was received.
 */
export class HeaderFields implements Iterable<[string, string]> {
  readonly #rawHeaders: readonly string[];

  /** @param rawHeaders name, value, name, value..., as `node:http` has them. */
  constructor(rawHeaders: readonly string[]) {
    this.#rawHeaders = rawHeaders;
  }

  /**
   * Returns the values of all fields with this name, in order; the list may be empty. Pass the name in lower
   * case. It compares all names, because that is faster than an index for the few fields of a handshake.
   */
  all(name: string): readonly string[] {
    let values: string[] | undefined;
    const raw = this.#rawHeaders;
    for (let i = 0; i + 1 < raw.length; i += 2) {
      if (raw[i].length !== name.length || raw[i].toLowerCase() !== name) continue;
      if (values === undefined) values = [raw[i + 1]];
      else values.push(raw[i + 1]);
    }
    return values ?? NONE;
  }

  /** Returns the value of the field with this name if there is exactly one. Pass the name in lower case. */
  single(name: string): string | undefined {
    const values = this.all(name);
    return values.length === 1 ? values[0] : undefined;
  }

  /**
   * Returns the values of all fields with this name, joined by commas, or null if there are none. The name
   * may be in upper or lower case. It works like `Headers.get` of the Fetch standard.
   */
  get(name: string): string | null {
    const values = this.all(name.toLowerCase());
    return values.length === 0 ? null : values.join(", ");
  }

  *[Symbol.iterator](): IterableIterator<[string, string]> {
    for (let i = 0; i + 1 < this.#rawHeaders.length; i += 2) {
      yield [this.#rawHeaders[i], this.#rawHeaders[i + 1]];
    }
  }
}

/**
 * The elements of a comma-separated list that may be spread over several fields (RFC 9110 5.3).
 * Empty elements are skipped, as 5.6.1.2 requires. Not for lists with quoted strings.
 */
export function listElements(values: readonly string[]): string[] {
  const elements: string[] = [];
  for (const value of values) {
    for (const part of value.split(",")) {
      const element = trimWhitespace(part);
      if (element !== "") elements.push(element);
    }
  }
  return elements;
}

/** The tokens of a comma-separated list, or undefined if an element is not a token. */
export function parseTokenList(values: readonly string[]): string[] | undefined {
  const elements = listElements(values);
  return elements.every(isToken) ? elements : undefined;
}

/** Strips spaces and tabs at both ends. String's own trim would take U+00A0, which is obs-text. */
export function trimWhitespace(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isWhitespace(text.charCodeAt(start))) start++;
  while (end > start && isWhitespace(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isWhitespace(charCode: number): boolean {
  return charCode === 0x20 || charCode === 0x09;
}
