import { type RegExpNode, parseRegExp } from "./regexp-parser.ts";

const Op = { Character: 0, Split: 1, Jump: 2, Save: 3, Match: 4 } as const;

/** One instruction of the compiled expression. The meaning of `x` and `y` depends on `op`. */
interface Instruction {
  readonly op: (typeof Op)[keyof typeof Op];
  /** Character: the index of its set. Split and Jump: the next instruction. Save: the slot. */
  x: number;
  /** Split: the next instruction if `x` does not lead to a match. */
  y: number;
}

/**
 * Limits the steps of a match: at most one per instruction and character. A path has at most 8,192
 * characters.
 */
const MAX_INSTRUCTIONS = 1000;

/** Paths are ASCII: URLs percent-encode everything else. */
const CHARACTERS = 128;

/**
 * Matches a regular expression against a whole string, in time linear in its length. It finds the same
 * match as `RegExp`, because it tries alternatives in the order of a backtracking matcher. It tries each
 * instruction only once per position, because a second try would fail like the first.
 */
export class LinearRegExp {
  readonly #instructions: Instruction[] = [];
  readonly #sets: Uint8Array[] = [];
  readonly #setIndexes = new Map<string, number>();
  #captures = 0;

  /**
   * @param source the source of a regular expression that is valid with the flag `u`
   * @throws SyntaxError if it has back references, lookarounds or assertions, or is too large
   */
  constructor(source: string) {
    this.#emit(parseRegExp(source));
    this.#add(Op.Match);
  }

  /** Returns the captures of the groups, or undefined if `text` does not match. */
  exec(text: string): Array<string | undefined> | undefined {
    const slots = this.#run(text);
    if (slots === undefined) return undefined;
    return Array.from({ length: this.#captures }, (_, index) => {
      const start = slots[2 * index];
      return start < 0 ? undefined : text.slice(start, slots[2 * index + 1]);
    });
  }

  #run(text: string): Int32Array | undefined {
    const width = text.length + 1;
    const visited = new Uint8Array((this.#instructions.length * width + 7) >> 3);
    const slots = new Int32Array(2 * this.#captures).fill(-1);
    // Pairs of an instruction and a position to try later. A negative number instead of an instruction is a
    // slot to restore.
    const pending = [0, 0];
    while (pending.length > 0) {
      let position = pending.pop()!;
      let at = pending.pop()!;
      if (at < 0) {
        slots[~at] = position;
        continue;
      }
      for (;;) {
        const bit = at * width + position;
        if ((visited[bit >> 3] & (1 << (bit & 7))) !== 0) break;
        visited[bit >> 3] |= 1 << (bit & 7);
        const { op, x, y } = this.#instructions[at];
        if (op === Op.Character) {
          if (this.#sets[x][text.charCodeAt(position)] !== 1) break;
          position++;
          at++;
        } else if (op === Op.Split) {
          pending.push(y, position);
          at = x;
        } else if (op === Op.Jump) {
          at = x;
        } else if (op === Op.Save) {
          pending.push(~x, slots[x]);
          slots[x] = position;
          at++;
        } else {
          if (position === text.length) return slots;
          break;
        }
      }
    }
    return undefined;
  }

  #emit(node: RegExpNode): void {
    switch (node.kind) {
      case "character":
        this.#add(Op.Character, this.#setOf(node.expression));
        break;
      case "sequence":
        for (const item of node.items) this.#emit(item);
        break;
      case "alternatives":
        this.#emitAlternatives(node.items);
        break;
      case "capture": {
        const slot = 2 * this.#captures++;
        this.#add(Op.Save, slot);
        this.#emit(node.item);
        this.#add(Op.Save, slot + 1);
        break;
      }
      case "repetition":
        this.#emitRepetition(node);
        break;
    }
  }

  #emitAlternatives(items: readonly RegExpNode[]): void {
    const jumps: Instruction[] = [];
    for (const [index, item] of items.entries()) {
      if (index === items.length - 1) {
        this.#emit(item);
      } else {
        const split = this.#add(Op.Split, this.#instructions.length + 1);
        this.#emit(item);
        jumps.push(this.#add(Op.Jump));
        split.y = this.#instructions.length;
      }
    }
    for (const jump of jumps) jump.x = this.#instructions.length;
  }

  #emitRepetition(node: RegExpNode & { kind: "repetition" }): void {
    const { item, min, max, isGreedy } = node;
    for (let count = 0; count < min; count++) this.#emit(item);
    const optional = max === Infinity ? 1 : max - min;
    const splits: Instruction[] = [];
    for (let count = 0; count < optional; count++) {
      const start = this.#instructions.length;
      splits.push(this.#add(Op.Split, start + 1));
      this.#emit(item);
      if (max === Infinity) this.#add(Op.Jump, start);
    }
    const end = this.#instructions.length;
    for (const split of splits) {
      split.y = end;
      if (!isGreedy) [split.x, split.y] = [split.y, split.x];
    }
  }

  #add(op: Instruction["op"], x = 0): Instruction {
    if (this.#instructions.length >= MAX_INSTRUCTIONS) {
      throw new SyntaxError(
        `the expression is too large: it needs more than ${MAX_INSTRUCTIONS} instructions; use fewer or smaller repetitions`,
      );
    }
    const instruction = { op, x, y: 0 };
    this.#instructions.push(instruction);
    return instruction;
  }

  /** The index of the set of characters that `expression` matches. */
  #setOf(expression: string): number {
    let index = this.#setIndexes.get(expression);
    if (index === undefined) {
      const tester = new RegExp(`^${expression}$`, "u");
      index = this.#sets.push(
        Uint8Array.from({ length: CHARACTERS }, (_, code) =>
          tester.test(String.fromCharCode(code)) ? 1 : 0,
        ),
      );
      this.#setIndexes.set(expression, --index);
    }
    return index;
  }
}
