import type { Position } from "./position.ts";

/** What is published and sent: text, or bytes, which must not be changed afterwards. */
export type TopicData = string | Uint8Array;

/** A published message and its position in the topic. */
export interface Publication {
  readonly position: Position;
  /** The id that the publisher gave, or a random one. */
  readonly id: string;
  readonly data: TopicData;
}

/**
 * Why the publications after a position cannot be delivered:
 *
 * - `no-position`: no position was given, or an empty text;
 * - `invalid-position`: the value given is not a position;
 * - `epoch-changed`: the position is of another epoch, so the engine may have lost publications;
 * - `position-ahead`: the position is after the last publication, so the engine has lost some;
 * - `missing`: the history does not have all publications after the position.
 */
export type GapReason =
  | "no-position"
  | "invalid-position"
  | "epoch-changed"
  | "position-ahead"
  | "missing";

/** Consecutive publications from the history of a topic. */
export interface HistoryPage {
  /** The last position of the topic when it was read. */
  readonly position: Position;
  /** Whether `publications` follow the position given as `since` without a gap. */
  readonly recovered: boolean;
  /** Why `recovered` is false. */
  readonly reason?: GapReason;
  /** In order. Empty if a position was given and `recovered` is false. */
  readonly publications: readonly Publication[];
}
