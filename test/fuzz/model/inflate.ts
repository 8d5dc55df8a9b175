/**
 * DEFLATE (RFC 1951) read bit by bit, and the messages of RFC 7692 7.2.2 based on it. Written from
 * the RFCs for comparison, without regard to speed.
 */

/**
 * A message, or why there is none. "either" if a reader may detect one error or the other first.
 */
export type ModelMessage = Uint8Array | "too-big" | "invalid" | "either";

export interface InflatingRules {
  /** Whether a message may refer to earlier ones (RFC 7692 7.1.1). */
  readonly takesOver: boolean;
  readonly maxBytes: number;
  /** Whether a truncated message may be detected only by the bytes after it. */
  readonly mayBeCutOff: boolean;
  /** Whether data after a final block cannot refer to data before it, as in zlib. */
  readonly forgetsAtLastBlock: boolean;
}

/** All messages of one direction, up to the first that fails the connection. */
export function inflateMessages(
  messages: readonly Uint8Array[],
  { takesOver, maxBytes, mayBeCutOff, forgetsAtLastBlock }: InflatingRules,
): ModelMessage[] {
  const results: ModelMessage[] = [];
  let stream = new Stream(forgetsAtLastBlock);
  for (const message of messages) {
    if (!takesOver) stream = new Stream(forgetsAtLastBlock);
    const before = stream.output.length;
    stream.read(message);
    const inflated = Uint8Array.from(stream.output.slice(before));
    // More bytes after a message show whether it is complete, and may lengthen it.
    if (!stream.isBetweenBlocks && !mayBeCutOff && !stream.isBroken) return [...results, "either"];
    if (inflated.length > maxBytes) return [...results, stream.isBroken ? "either" : "too-big"];
    if (stream.isBroken) return [...results, "invalid"];
    results.push(inflated);
  }
  return results;
}

const TAIL = [0x00, 0x00, 0xff, 0xff];

/** More input is needed. Everything is read again when it has arrived. */
class InputEnds extends Error {}

class Stream {
  output: number[] = [];
  isBroken = false;
  isBetweenBlocks = true;
  /** The received bytes, and where messages ended without the four removed bytes (7.2.1). */
  #input: number[] = [];
  readonly #messageEnds: number[] = [];
  #bitsRead = 0;
  /** How far back a distance may reach in the output. */
  #contextStart = 0;
  readonly #forgetsAtLastBlock: boolean;

  constructor(forgetsAtLastBlock: boolean) {
    this.#forgetsAtLastBlock = forgetsAtLastBlock;
  }

  read(message: Uint8Array): void {
    this.#input.push(...message);
    this.#messageEnds.push(this.#input.length);
    this.#readAll();
    const ownLength = this.output.length;
    this.#input.push(...TAIL);
    this.#readAll();
    // If the four bytes were read as content, the message was truncated.
    this.isBroken ||= this.output.length > ownLength;
  }

  #readAll(): void {
    this.output = [];
    this.#bitsRead = 0;
    this.#contextStart = 0;
    this.isBetweenBlocks = true;
    try {
      for (;;) this.#readBlock();
    } catch (error) {
      this.isBroken = !(error instanceof InputEnds);
    }
  }

  /** RFC 1951 3.2.3. */
  #readBlock(): void {
    if (this.#bitsRead === this.#input.length * 8) throw new InputEnds();
    this.isBetweenBlocks = false;
    const isLast = this.#bits(1) === 1;
    const type = this.#bits(2);
    if (type === 0) this.#readStored();
    else if (type === 1) this.#readCodes(FIXED_LENGTHS, FIXED_DISTANCES);
    else if (type === 2) this.#readCodes(...this.#readTables());
    else throw new Error("the reserved block type");
    this.isBetweenBlocks = true;
    if (isLast) this.#beginNextRun();
  }

  /** RFC 7692 7.2.3.4: after a final block, blocks may follow at the next byte. */
  #beginNextRun(): void {
    this.#bitsRead = Math.ceil(this.#bitsRead / 8) * 8;
    if (this.#forgetsAtLastBlock) this.#contextStart = this.output.length;
    const end = this.#messageEnds.at(-1)!;
    const taken = this.#bitsRead / 8 - end;
    // The four bytes are not needed if the message ends with its final block, but that block must
    // not end within them.
    if (this.#messageEnds.includes(this.#bitsRead / 8)) this.#bitsRead += TAIL.length * 8;
    else if (taken > 0 && taken < TAIL.length) throw new Error("a last block that was cut off");
  }

  /** 3.2.4 */
  #readStored(): void {
    this.#bitsRead = Math.ceil(this.#bitsRead / 8) * 8;
    const length = this.#bits(16);
    if (length !== (~this.#bits(16) & 0xffff)) throw new Error("a wrong length");
    for (let count = 0; count < length; count++) this.output.push(this.#bits(8));
  }

  /** 3.2.5 */
  #readCodes(lengths: Codes, distances: Codes): void {
    for (;;) {
      const symbol = this.#symbol(lengths);
      if (symbol === 256) return;
      if (symbol < 256) {
        this.output.push(symbol);
        continue;
      }
      const length = this.#extended(LENGTHS[symbol - 257]);
      const distance = this.#extended(DISTANCES[this.#symbol(distances)]);
      if (distance > this.output.length - this.#contextStart) throw new Error("too far back");
      for (let count = 0; count < length; count++) {
        this.output.push(this.output[this.output.length - distance]);
      }
    }
  }

  /** 3.2.7 */
  #readTables(): [Codes, Codes] {
    const lengthCount = this.#bits(5) + 257;
    const distanceCount = this.#bits(5) + 1;
    const order = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
    const used = order.slice(0, this.#bits(4) + 4);
    // A limit of zlib: further symbols have no meaning.
    if (lengthCount > 286 || distanceCount > 30) throw new Error("too many symbols");
    const codeLengths = Array<number>(19).fill(0);
    for (const symbol of used) codeLengths[symbol] = this.#bits(3);
    const assigned = assignCodes(codeLengths, false);
    // Without any code zlib reads every bit as zero, and fails without an end of block.
    const codes = assigned.size > 0 ? assigned : new Map(Object.entries([0, 0]));
    const lengths: number[] = [];
    while (lengths.length < lengthCount + distanceCount) {
      const symbol = this.#symbol(codes);
      if (symbol === 16 && lengths.length === 0) throw new Error("nothing to repeat");
      if (symbol < 16) lengths.push(symbol);
      else if (symbol === 16) lengths.push(...repeat(lengths.at(-1)!, 3 + this.#bits(2)));
      else lengths.push(...repeat(0, symbol === 17 ? 3 + this.#bits(3) : 11 + this.#bits(7)));
    }
    if (lengths.length > lengthCount + distanceCount) throw new Error("too many lengths");
    if (lengths[256] === 0) throw new Error("no end of block");
    const [first, second] = [lengths.slice(0, lengthCount), lengths.slice(lengthCount)];
    return [assignCodes(first, true), assignCodes(second, true)];
  }

  #extended(base: readonly [start: number, extraBits: number] | undefined): number {
    if (base === undefined) throw new Error("a symbol without a meaning");
    return base[0] + this.#bits(base[1]);
  }

  /** The symbol of the next code. */
  #symbol(codes: Codes): number {
    let code = "";
    for (;;) {
      code += this.#bits(1);
      const symbol = codes.get(code);
      if (symbol !== undefined) return symbol;
      if (![...codes.keys()].some((other) => other.startsWith(code))) throw new Error("no code");
    }
  }

  /** 3.1.1: least significant bit first. */
  #bits(count: number): number {
    let value = 0;
    for (let at = 0; at < count; at++) {
      if (this.#bitsRead >= this.#input.length * 8) throw new InputEnds();
      value |= ((this.#input[this.#bitsRead >> 3] >> (this.#bitsRead & 7)) & 1) << at;
      this.#bitsRead++;
    }
    return value;
  }
}

/** From codes, as strings of bits, to symbols. */
type Codes = ReadonlyMap<string, number>;

/** 3.2.2. zlib accepts an incomplete set only if it has a single code of one bit or is empty. */
function assignCodes(lengths: readonly number[], mayBeIncomplete: boolean): Codes {
  const codes = new Map<string, number>();
  let next = 0;
  for (let length = 1; length <= 15; length++) {
    next *= 2;
    for (const [symbol, own] of lengths.entries()) {
      if (own === length) codes.set((next++).toString(2).padStart(length, "0"), symbol);
    }
    if (next > 2 ** length) throw new Error("more codes than bits can tell apart");
  }
  const longest = Math.max(0, ...lengths);
  const isComplete = next === 2 ** 15;
  if (!isComplete && longest > 0 && !(mayBeIncomplete && longest === 1)) {
    throw new Error("an incomplete set of codes");
  }
  return codes;
}

function repeat(value: number, count: number): number[] {
  return Array<number>(count).fill(value);
}

/** 3.2.6 */
const FIXED_LENGTHS = assignCodes(
  [...repeat(8, 144), ...repeat(9, 112), ...repeat(7, 24), ...repeat(8, 8)],
  false,
);
const FIXED_DISTANCES = assignCodes(repeat(5, 32), false);

/** 3.2.5: lengths from 3, distances from 1, with more extra bits every few symbols. */
const LENGTHS = [...bases(3, 28, 4).slice(0, 28), [258, 0] as const];
const DISTANCES = bases(1, 30, 2);

function bases(first: number, count: number, perStep: number): Array<readonly [number, number]> {
  const all: Array<readonly [number, number]> = [];
  for (let start = first; all.length < count;) {
    const extraBits = Math.max(0, Math.floor(all.length / perStep) - 1);
    all.push([start, extraBits]);
    start += 2 ** extraBits;
  }
  return all;
}
