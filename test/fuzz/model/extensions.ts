/**
 * A second implementation of the grammar of RFC 6455 9.1 for comparison: first into words and
 * separators, then split at commas, semicolons and equals signs.
 */

type Lexeme = { readonly word: string } | { readonly quoted: string } | "," | ";" | "=";

/** The name of an extension, and its parameters by name and value. */
export type ModelExtension = readonly [
  name: string,
  params: ReadonlyArray<readonly [string, string | true]>,
];

/** The extensions of all fields together, or undefined if one breaks the grammar. */
export function readExtensionFields(values: readonly string[]): ModelExtension[] | undefined {
  const extensions: ModelExtension[] = [];
  for (const value of values) {
    const lexemes = lex(value);
    if (lexemes === undefined) return undefined;
    // RFC 9110 5.6.1.2: empty elements of a list do not count.
    for (const element of split(lexemes, ",").filter(({ length }) => length > 0)) {
      const extension = readExtension(element);
      if (extension === undefined) return undefined;
      extensions.push(extension);
    }
  }
  // extension-list = 1#extension
  return values.length > 0 && extensions.length === 0 ? undefined : extensions;
}

const LEXEMES = /[ \t]+|([!#$%&'*+\-.^_`|~0-9A-Za-z]+)|"((?:[^"\\]|\\[^])*)"|([,;=])/y;

function lex(value: string): Lexeme[] | undefined {
  const lexemes: Lexeme[] = [];
  for (let at = 0; at < value.length; at = LEXEMES.lastIndex) {
    LEXEMES.lastIndex = at;
    const match = LEXEMES.exec(value);
    if (match === null) return undefined;
    const [, word, quoted, separator] = match;
    if (word !== undefined) lexemes.push({ word });
    if (quoted !== undefined) lexemes.push({ quoted: quoted.replaceAll(/\\([^])/g, "$1") });
    if (separator !== undefined) lexemes.push(separator as "," | ";" | "=");
  }
  return lexemes;
}

function split(lexemes: readonly Lexeme[], separator: Lexeme): Lexeme[][] {
  const parts: Lexeme[][] = [[]];
  for (const lexeme of lexemes) {
    if (lexeme === separator) parts.push([]);
    else parts.at(-1)?.push(lexeme);
  }
  return parts;
}

/** extension = extension-token *( ";" extension-param ) */
function readExtension(lexemes: readonly Lexeme[]): ModelExtension | undefined {
  const [[name, ...more], ...params] = split(lexemes, ";");
  if (!isWord(name) || more.length > 0) return undefined;
  const read = params.map(readParam);
  return read.every((param) => param !== undefined) ? [name.word, read] : undefined;
}

/** extension-param = token [ "=" (token | quoted-string) ], where a quoted one is a token too. */
function readParam(lexemes: readonly Lexeme[]): readonly [string, string | true] | undefined {
  const [name, equals, value, ...more] = lexemes;
  if (!isWord(name) || more.length > 0) return undefined;
  if (equals === undefined) return [name.word, true];
  if (equals !== "=" || value === undefined || typeof value === "string") return undefined;
  if ("word" in value) return [name.word, value.word];
  const [inner, ...rest] = lex(value.quoted) ?? [];
  return rest.length === 0 && isWord(inner) && inner.word === value.quoted
    ? [name.word, value.quoted]
    : undefined;
}

function isWord(lexeme: Lexeme | undefined): lexeme is { readonly word: string } {
  return typeof lexeme === "object" && "word" in lexeme;
}
