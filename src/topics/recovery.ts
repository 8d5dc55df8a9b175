import type { BrokerPage } from "./broker.ts";
import type { Position } from "./position.ts";
import type { GapReason, Publication } from "./publication.ts";

/** Why `page` does not go on from `position`; undefined if it does. */
export function gapAfter(position: Position, page: BrokerPage): GapReason | undefined {
  if (page.position.epoch !== position.epoch) return "epoch-changed";
  if (page.position.offset < position.offset) return "position-ahead";
  if (page.position.offset === position.offset) return undefined;
  return consecutive(position, page).length === 0 ? "missing" : undefined;
}

/** The publications of `page` that follow `position` without a gap. */
export function consecutive({ offset }: Position, page: BrokerPage): readonly Publication[] {
  const { position, publications } = page;
  const end = publications.findIndex(
    ({ position: at }, index) => at.offset !== offset + 1 + index || at.epoch !== position.epoch,
  );
  return end === -1 ? publications : publications.slice(0, end);
}
