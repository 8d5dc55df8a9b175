import { UsageError } from "../../errors/index.ts";

/**
 * A position in the sequence of publications of a topic. The offsets of a topic start at 1, and have no gaps
 * within an epoch. Offset 0 is the position before the first publication. The epoch changes when the engine
 * may have lost publications, because their offsets may then belong to other publications.
 */
export interface Position {
  /** The name of the epoch: 1 to 64 characters of `A-Z a-z 0-9 _ -`. */
  readonly epoch: string;
  /** The number of the publication in the topic: a safe integer, 0 or more. */
  readonly offset: number;
}

const EPOCH = /^[\w-]{1,64}$/;

/** At most 16 digits: a longer number is not a safe integer. */
const TEXT = /^([\w-]{1,64}):(0|[1-9]\d{0,15})$/;

/**
 * Formats a position as the text `epoch:offset`, for a client to keep and to send back as `since`.
 *
 * @throws UsageError `INVALID_POSITION`
 */
export function formatPosition(position: Position): string {
  if (typeof position !== "object" || position === null) {
    throw new UsageError("INVALID_POSITION", "a position must be an object with epoch and offset");
  }
  const { epoch, offset } = position;
  return `${epoch}:${offset}`;
}

/**
 * Whether a value means that the client has no position: `undefined`, the `null` of `URLSearchParams.get`, or
 * the empty string that a client sends when it first connects.
 */
export function isNoPosition(value: unknown): boolean {
  return value === undefined || value === null || value === "";
}

/**
 * Parses a position that a client sent, as text or as an object.
 *
 * @returns undefined if `value` is not a position
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
