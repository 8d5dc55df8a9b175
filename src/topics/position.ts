import { UsageError } from "../errors/index.ts";

/**
 * A position in the sequence of publications of a topic. Offsets count from 1 and have no gaps within an
 * epoch; offset 0 is the position before the first publication. The epoch changes when the engine can no
 * longer guarantee what an offset of the old epoch refers to.
 */
export interface Position {
  /** 1 to 64 of `A-Z a-z 0-9 _ -`. */
  readonly epoch: string;
  /** A safe integer from 0 on. */
  readonly offset: number;
}

const EPOCH = /^[\w-]{1,64}$/;

/** At most 16 digits: a longer number is not a safe integer. */
const TEXT = /^([\w-]{1,64}):(0|[1-9]\d{0,15})$/;

/**
 * Writes a position as the text `epoch:offset`, which a client keeps and sends back.
 *
 * @throws UsageError `INVALID_POSITION`
 */
export function formatPosition(position: Position): string {
  if (typeof position !== "object" || position === null) {
    throw new UsageError("INVALID_POSITION", "a position is an object with epoch and offset");
  }
  const { epoch, offset } = position;
  return `${epoch}:${offset}`;
}

/**
 * Whether a client has no position: `undefined`, `null` as `URLSearchParams.get` returns it, or the empty
 * text that a client sends when it first connects.
 */
export function isNoPosition(value: unknown): boolean {
  return value === undefined || value === null || value === "";
}

/**
 * Reads a position that a client sent, as text or as an object.
 *
 * @returns undefined for anything that is not a position
 */
export function readPosition(value: unknown): Position | undefined {
  if (typeof value === "string") return readText(value);
  if (typeof value !== "object" || value === null) return undefined;
  const { epoch, offset } = value as Record<string, unknown>;
  return isEpoch(epoch) && isOffset(offset) ? { epoch, offset } : undefined;
}

function isEpoch(value: unknown): value is string {
  return typeof value === "string" && EPOCH.test(value);
}

function isOffset(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

export function isSamePosition(one: Position, other: Position): boolean {
  return one.offset === other.offset && one.epoch === other.epoch;
}

function readText(text: string): Position | undefined {
  const [, epoch, digits] = TEXT.exec(text) ?? [];
  const offset = Number(digits);
  return epoch !== undefined && isOffset(offset) ? { epoch, offset } : undefined;
}
