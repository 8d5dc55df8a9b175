import { isToken } from "../../protocol/handshake/header-fields.ts";

/** Reads the value of a header field from left to right. An error names the index of an unexpected character. */
export class HeaderScanner {
  readonly #text: string;
  #index = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get isAtEnd(): boolean {
    return this.#index === this.#text.length;
  }

  /** Skips `char` if it is next. Returns whether it was. */
  take(char: string): boolean {
    if (this.#text[this.#index] !== char) return false;
    this.#index++;
    return true;
  }

  /** Skips spaces and tabs. Returns whether there were any. */
  skipWhitespace(): boolean {
    const start = this.#index;
    while (/^[ \t]$/.test(this.#text[this.#index] ?? "")) this.#index++;
    return this.#index > start;
  }

  /** Reads a token (RFC 9110 5.6.2). @throws SyntaxError if no token is next */
  takeToken(): string {
    const start = this.#index;
    while (isToken(this.#text[this.#index] ?? "")) this.#index++;
    if (this.#index === start) this.fail();
    return this.#text.slice(start, this.#index);
  }

  /**
   * Reads the rest of a quoted string. Its content must be a token (RFC 6455 9.1).
   *
   * @throws SyntaxError
   */
  takeQuotedToken(): string {
    let content = "";
    while (content === "" || !this.take('"')) {
      this.take("\\");
      const char = this.#text[this.#index] ?? "";
      if (!isToken(char)) this.fail();
      content += char;
      this.#index++;
    }
    return content;
  }

  /**
   * Reads the separator after an element of a list. Returns whether another element follows.
   *
   * @throws SyntaxError
   */
  takeComma(): boolean {
    const hasWhitespace = this.skipWhitespace();
    if (this.isAtEnd && !hasWhitespace) return false;
    if (!this.take(",")) this.fail();
    this.skipWhitespace();
    return true;
  }

  /** Reports that the next character, or the end of the text, is unexpected. @throws SyntaxError */
  fail(): never {
    throw new SyntaxError(
      this.isAtEnd ? "Unexpected end of input" : `Unexpected character at index ${this.#index}`,
    );
  }
}
