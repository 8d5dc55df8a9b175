/** The syntax tree of a regular expression that matches in linear time. */
export type RegExpNode =
  /** Matches one character: `expression` is a class, an escape or a literal. */
  | { readonly kind: "character"; readonly expression: string }
  | { readonly kind: "sequence"; readonly items: readonly RegExpNode[] }
  /** Takes the first alternative that leads to a match. */
  | { readonly kind: "alternatives"; readonly items: readonly RegExpNode[] }
  | { readonly kind: "capture"; readonly item: RegExpNode }
  | {
      readonly kind: "repetition";
      readonly item: RegExpNode;
      readonly min: number;
      readonly max: number;
      /** Whether it tries more repetitions before fewer. */
      readonly isGreedy: boolean;
    };

/** A class, an escape or one character, without assertions and back references. */
const CHARACTER =
  /\[(?:[^\]\\]|\\.)*\]|\\(?:u\{[0-9a-f]+\}|u[0-9a-f]{4}|x[0-9a-f]{2}|c[a-z]|p\{[^}]*\}|[^bkpuxc1-9])|[^\\[\](){}*+?|^$]/isy;
const QUANTIFIER = /(?:([*+?])|\{(\d+)(?:(,)(\d*))?\})(\??)/y;

const BOUNDS: Readonly<Record<string, readonly [min: number, max: number]>> = {
  "?": [0, 1],
  "*": [0, Infinity],
  "+": [1, Infinity],
};

/**
 * Parses a regular expression that is valid with the flag `u`.
 *
 * @throws SyntaxError for back references, lookarounds and assertions, which do not match in linear time,
 *   or have no meaning in a path
 */
export function parseRegExp(source: string): RegExpNode {
  const parser = new RegExpParser(source);
  const node = parser.parseAlternatives();
  if (!parser.isAtEnd) throw parser.unsupported();
  return node;
}

class RegExpParser {
  readonly #source: string;
  #at = 0;

  constructor(source: string) {
    this.#source = source;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#source.length;
  }

  parseAlternatives(): RegExpNode {
    const items = [this.#parseSequence()];
    while (this.#take("|")) items.push(this.#parseSequence());
    return items.length === 1 ? items[0] : { kind: "alternatives", items };
  }

  unsupported(): SyntaxError {
    const rest = this.#source.slice(this.#at, this.#at + 20);
    return new SyntaxError(
      `${JSON.stringify(rest)} cannot be matched in linear time; use groups without back references, lookarounds and assertions`,
    );
  }

  #parseSequence(): RegExpNode {
    const items: RegExpNode[] = [];
    while (!this.isAtEnd && !"|)".includes(this.#source[this.#at])) {
      items.push(this.#parseQuantified(this.#parseAtom()));
    }
    return { kind: "sequence", items };
  }

  #parseAtom(): RegExpNode {
    if (this.#take("(?:")) return this.#parseGroup();
    if (!this.#source.startsWith("(?", this.#at) && this.#take("(")) {
      return { kind: "capture", item: this.#parseGroup() };
    }
    const expression = this.#match(CHARACTER)?.[0];
    if (expression === undefined) throw this.unsupported();
    return { kind: "character", expression };
  }

  #parseGroup(): RegExpNode {
    const item = this.parseAlternatives();
    if (!this.#take(")")) throw this.unsupported();
    return item;
  }

  #parseQuantified(item: RegExpNode): RegExpNode {
    const match = this.#match(QUANTIFIER);
    if (match === null) return item;
    const [, sign, from, comma, to, lazy] = match;
    const [min, max] = sign === undefined ? readBounds(from, comma, to) : BOUNDS[sign];
    return { kind: "repetition", item, min, max, isGreedy: lazy === "" };
  }

  #take(text: string): boolean {
    const isThere = this.#source.startsWith(text, this.#at);
    if (isThere) this.#at += text.length;
    return isThere;
  }

  #match(expression: RegExp): RegExpExecArray | null {
    expression.lastIndex = this.#at;
    const match = expression.exec(this.#source);
    if (match !== null) this.#at = expression.lastIndex;
    return match;
  }
}

/** Reads `{from}`, `{from,}` or `{from,to}`. */
function readBounds(from: string, comma: string | undefined, to: string | undefined) {
  const min = Number(from);
  if (comma === undefined) return [min, min] as const;
  return [min, to === "" ? Infinity : Number(to)] as const;
}
