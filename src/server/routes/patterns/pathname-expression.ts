/** The source of a regular expression for a whole pathname, and the params that its groups capture. */
export interface PathnameExpression {
  readonly source: string;
  /** The name of each capturing group, in order. Groups without a name are "0", "1" and so on. */
  readonly names: readonly string[];
}

/** A part of a pattern that captures a param, with the text that a modifier repeats together with it. */
interface Group {
  readonly prefix: string;
  /** The source of the expression that the param must match. */
  readonly value: string;
  readonly suffix: string;
}

const SEGMENT = "[^/]+?";
const WILDCARD = ".*";

/** The source of an expression with the flag `u` that matches a named param and captures its name. */
export const NAMED_PARAM: string = String.raw`:([\p{ID_Start}_$][\p{ID_Continue}_$\u200c\u200d]*)`;

const NAME = new RegExp(NAMED_PARAM, "uy");
const MODIFIER = /[?*+]/y;
const SYNTAX = /[.+*?^${}()[\]|/\\]/g;

/**
 * Translates the canonical pathname of a URLPattern into a regular expression (URL Pattern
 * Standard, "generate a regular expression and name list").
 *
 * @param pathname a valid pattern, as `URLPattern.prototype.pathname` returns it
 */
export function toPathnameExpression(pathname: string): PathnameExpression {
  const reader = new PatternReader(pathname);
  let source = "";
  while (!reader.isAtEnd) source += reader.readPart();
  return { source, names: reader.names };
}

class PatternReader {
  readonly names: string[] = [];
  readonly #text: string;
  #at = 0;
  #unnamed = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  readPart(): string {
    if (this.#take("{")) return this.#readBraces();
    // A slash before a param belongs to the param, so that "/x/:lang?" also matches "/x".
    const isSlash = this.#text[this.#at] === "/";
    if (isSlash) this.#at++;
    const value = this.#readValue();
    if (value !== undefined) {
      return groupSource({ prefix: isSlash ? "/" : "", value, suffix: "" }, this.#readModifier());
    }
    return isSlash ? "\\/" : escape(this.#readCharacter());
  }

  #readBraces(): string {
    const prefix = this.#readLiteral();
    const value = this.#readValue();
    const suffix = this.#readLiteral();
    this.#take("}");
    const modifier = this.#readModifier();
    if (value !== undefined) return groupSource({ prefix, value, suffix }, modifier);
    const literal = escape(prefix + suffix);
    return modifier === "" ? literal : `(?:${literal})${modifier}`;
  }

  /** The text up to a param or the closing brace. */
  #readLiteral(): string {
    let literal = "";
    while (!this.isAtEnd && !/[}(*]/.test(this.#text[this.#at]) && !this.#isAtName()) {
      literal += this.#readCharacter();
    }
    return literal;
  }

  /** Reads the param that begins here, and adds its name. Returns undefined if no param begins here. */
  #readValue(): string | undefined {
    const name = this.#match(NAME)?.[1];
    // After a name, an asterisk is a modifier.
    const value =
      this.#readExpression() ??
      (name !== undefined ? SEGMENT : this.#take("*") ? WILDCARD : undefined);
    if (value !== undefined) this.names.push(name ?? String(this.#unnamed++));
    return value;
  }

  /** Reads the expression in parentheses that begins here. */
  #readExpression(): string | undefined {
    if (!this.#take("(")) return undefined;
    const start = this.#at;
    for (let depth = 1; depth > 0; this.#at++) {
      const char = this.#text[this.#at];
      if (char === "\\") this.#at++;
      else if (char === "(") depth++;
      else if (char === ")") depth--;
    }
    return this.#text.slice(start, this.#at - 1);
  }

  #isAtName(): boolean {
    NAME.lastIndex = this.#at;
    return NAME.test(this.#text);
  }

  #readModifier(): string {
    return this.#match(MODIFIER)?.[0] ?? "";
  }

  #readCharacter(): string {
    this.#take("\\");
    return this.#text[this.#at++];
  }

  #take(char: string): boolean {
    const isThere = this.#text[this.#at] === char;
    if (isThere) this.#at++;
    return isThere;
  }

  #match(expression: RegExp): RegExpExecArray | null {
    expression.lastIndex = this.#at;
    const match = expression.exec(this.#text);
    if (match !== null) this.#at = expression.lastIndex;
    return match;
  }
}

function groupSource({ prefix, value, suffix }: Group, modifier: string): string {
  const [before, after] = [escape(prefix), escape(suffix)];
  if (modifier === "" || modifier === "?") return `(?:${before}(${value})${after})${modifier}`;
  if (before + after === "") return `((?:${value})${modifier})`;
  // The param contains all repetitions, without the text before the first and after the last repetition.
  const repeated = `(?:${value})(?:${after}${before}(?:${value}))*`;
  return `(?:${before}(${repeated})${after})${modifier === "*" ? "?" : ""}`;
}

function escape(text: string): string {
  return text.replaceAll(SYNTAX, "\\$&");
}
