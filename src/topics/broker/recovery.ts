import type { LossReason } from "../../topic-names/loss-reason.ts";
import type { BrokerPage } from "./broker.ts";
import type { Position } from "./position.ts";
import type { Publication } from "./publication.ts";

/** Returns the reason why `page` does not continue at `position`, or undefined if it does. */
export function findGap(position: Position, page: BrokerPage): LossReason | undefined {
  if (page.position.epoch !== position.epoch) return "epoch-changed";
  if (page.position.offset < position.offset) return "position-ahead";
  if (page.position.offset === position.offset) return undefined;
  return consecutiveAfter(position, page).length === 0 ? "missing" : undefined;
}

/** The publications of `page` that follow `position` without a gap. */
export function consecutiveAfter({ offset }: Position, page: BrokerPage): readonly Publication[] {
  const { position, publications } = page;
  const end = publications.findIndex(
    ({ position: at }, index) => at.offset !== offset + 1 + index || at.epoch !== position.epoch,
  );
  return end === -1 ? publications : publications.slice(0, end);
}

/**
 * Returns the position at which to continue after a gap: before the first publication in `page` that follows
 * the gap, or at the end of the topic.
 */
export function positionAfterGap(
  last: Position,
  { position, publications }: BrokerPage,
  reason: LossReason,
): Position {
  const first = publications.find(({ position: at }) => at.offset > last.offset + 1);
  const isLater = reason === "missing" && first?.position.epoch === position.epoch;
  return isLater ? { ...position, offset: first.position.offset - 1 } : position;
}
