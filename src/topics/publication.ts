import type { Position } from "./position.ts";

/** What is published, and what is sent to subscribers: text, or bytes, which nobody may change. */
export type TopicData = string | Uint8Array;

/** What was published, and where in its topic it stands. */
export interface Publication {
  readonly position: Position;
  /** The publisher's, or a random one. */
  readonly id: string;
  readonly data: TopicData;
}

/**
 * Why what came after a position cannot be had:
 *
 * - `no-position`: there was no position, or an empty text;
 * - `invalid-position`: what was given is none;
 * - `epoch-changed`: the engine, or its memory of the topic, is not the one the position is from;
 * - `position-ahead`: nothing has been published there yet, so the engine must have lost something;
 * - `missing`: the history is no longer, or never was, complete from there on.
 */
export type GapReason =
  | "no-position"
  | "invalid-position"
  | "epoch-changed"
  | "position-ahead"
  | "missing";

/** Some consecutive publications. */
export interface HistoryPage {
  /** The last position of the topic when it was read. */
  readonly position: Position;
  /** Whether `publications` follow the position asked for, with nothing missing between. */
  readonly recovered: boolean;
  /** Why not, where `recovered` is false. */
  readonly reason?: GapReason;
  /** In order; none where a position was asked for and `recovered` is false. */
  readonly publications: readonly Publication[];
}
