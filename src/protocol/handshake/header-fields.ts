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
 * The header fields of one message, looked up by name without regard to case. Iterating gives
 * `[name, value]` in the order of arrival, names as they were spelled.
 */
export class HeaderFields implements Iterable<[string, string]> {
  readonly #rawHeaders: readonly string[];

  /** @param rawHeaders name, value, name, value..., as `node:http` has them. */
  constructor(rawHeaders: readonly string[]) {
    this.#rawHeaders = rawHeaders;
  }

  /**
   * The values of all fields called `name` (in lower case), in order; the list may be empty. It compares
   * all names: for the few fields of a handshake, that is less work than an index.
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

  /** The value of the field called `name` (in lower case) if there is exactly one. */
  single(name: string): string | undefined {
    const values = this.all(name);
    return values.length === 1 ? values[0] : undefined;
  }

  /**
   * The values of all fields with this name, in upper or lower case, joined by commas. Null if there is
   * none. Works like `get` of the Fetch standard's `Headers`.
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
