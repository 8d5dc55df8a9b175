import type { LossReason } from "../../topic-names/loss-reason.ts";
import type { Position } from "./position.ts";

/**
 * The data of a publication: text, or bytes. All subscribers share the bytes, so do not change bytes that you
 * get from a topic, or that you return from `encode`.
 */
export type TopicData = string | Uint8Array;

/** A published message and its position in the topic. */
export interface Publication {
  /** The position in the topic. */
  readonly position: Position;
  /** The id that the publisher passed, or a random one. */
  readonly id: string;
  /** The text or bytes. */
  readonly data: TopicData;
}

/** Publications from the history of a topic: the result of `topic.history`. */
export interface HistoryPage {
  /** The last position of the topic at the time of the read. */
  readonly position: Position;
  /** Whether `publications` follow the position `since` without a gap. */
  readonly recovered: boolean;
  /** The reason if `recovered` is false; `no-position` without `since`. */
  readonly reason?: LossReason | "no-position";
  /** The publications in order. Empty if `since` was passed and `recovered` is false. */
  readonly publications: readonly Publication[];
}
