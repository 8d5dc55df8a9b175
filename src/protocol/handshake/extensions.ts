import { UsageError } from "../../errors/index.ts";
import { isToken } from "./header-fields.ts";

/**
 * One element of a `Sec-WebSocket-Extensions` field (RFC 6455 9.1), which a client offers or a server
 * accepts.
 */
export interface ExtensionOffer {
  /** The extension's registered name, such as `permessage-deflate`. */
  readonly name: string;
  /**
   * The parameters in order, including repeated ones. The value `true` stands for a parameter without a
   * value.
   */
  readonly params: ReadonlyArray<readonly [name: string, value: string | true]>;
}

/**
 * Reads `Sec-WebSocket-Extensions`, a list that may be spread over several fields (RFC 6455 9.1). Returns
 * undefined if the syntax is not valid or a list is empty, and no extensions if there is no field.
 */
export function parseExtensions(values: readonly string[]): ExtensionOffer[] | undefined {
  const extensions: ExtensionOffer[] = [];
  if (values.length === 0) return extensions;
  for (const value of values) {
    if (!parseExtensionList(new Scanner(value), extensions)) return undefined;
  }
  // RFC 6455 9.1: extension-list = 1#extension.
  return extensions.length === 0 ? undefined : extensions;
}

/**
 * Writes extensions as the value of a `Sec-WebSocket-Extensions` field. Without extensions the value is
 * empty, and no field is sent.
 *
 * @throws UsageError `INVALID_EXTENSION` if a name or a value is not a token.
 */
export function serializeExtensions(extensions: readonly ExtensionOffer[]): string {
  return extensions
    .map(({ name, params }) => [token(name), ...params.map(serializeParam)].join("; "))
    .join(", ");
}

function serializeParam([name, value]: readonly [string, string | true]): string {
  return value === true ? token(name) : `${token(name)}=${token(value)}`;
}

function token(text: string): string {
  if (isToken(text)) return text;
  throw new UsageError(
    "INVALID_EXTENSION",
    `an extension has the name or parameter ${JSON.stringify(text)}, which is not a token (RFC 6455 9.1)`,
  );
}

/** Adds the extensions of one field to `extensions`. Returns false if the syntax is not valid. */
function parseExtensionList(scanner: Scanner, extensions: ExtensionOffer[]): boolean {
  do {
    scanner.skipWhitespace();
    // RFC 9110 5.6.1.2: a recipient ignores empty list elements.
    if (scanner.isAt(",") || scanner.isAtEnd()) continue;
    const extension = parseExtension(scanner);
    if (extension === undefined) return false;
    extensions.push(extension);
  } while (scanner.take(","));
  return scanner.isAtEnd();
}

/** extension = extension-token *( ";" extension-param ) */
function parseExtension(scanner: Scanner): ExtensionOffer | undefined {
  const name = scanner.takeToken();
  if (name === undefined) return undefined;
  const params: [string, string | true][] = [];
  scanner.skipWhitespace();
  while (scanner.take(";")) {
    scanner.skipWhitespace();
    const param = parseParam(scanner);
    if (param === undefined) return undefined;
    params.push(param);
  }
  return { name, params };
}

/**
 * extension-param = token [ "=" ( token | quoted-string ) ], with white space allowed between all
 * of these by the implied *LWS rule of RFC 2616, which 9.1 names.
 */
function parseParam(scanner: Scanner): [string, string | true] | undefined {
  const name = scanner.takeToken();
  if (name === undefined) return undefined;
  scanner.skipWhitespace();
  if (!scanner.take("=")) return [name, true];
  scanner.skipWhitespace();
  const value = scanner.isAt('"') ? scanner.takeQuotedString() : scanner.takeToken();
  // RFC 6455 9.1: after unescaping, a quoted string MUST conform to the token ABNF.
  if (value === undefined || !isToken(value)) return undefined;
  scanner.skipWhitespace();
  return [name, value];
}

/** Reads one field value from left to right, and each character once. */
class Scanner {
  readonly #text: string;
  #position = 0;

  constructor(text: string) {
    this.#text = text;
  }

  isAtEnd(): boolean {
    return this.#position === this.#text.length;
  }

  isAt(char: string): boolean {
    return this.#text[this.#position] === char;
  }

  take(char: string): boolean {
    if (!this.isAt(char)) return false;
    this.#position++;
    return true;
  }

  skipWhitespace(): void {
    while (this.isAt(" ") || this.isAt("\t")) this.#position++;
  }

  takeToken(): string | undefined {
    const start = this.#position;
    while (!this.isAtEnd() && isToken(this.#text[this.#position])) this.#position++;
    return start === this.#position ? undefined : this.#text.slice(start, this.#position);
  }

  /** The unescaped text of the quoted string here, or undefined if it does not end. */
  takeQuotedString(): string | undefined {
    this.#position++;
    let unescaped = "";
    while (!this.isAtEnd()) {
      if (this.take('"')) return unescaped;
      if (this.take("\\") && this.isAtEnd()) return undefined;
      unescaped += this.#text[this.#position++];
    }
    return undefined;
  }
}
