import { UsageError } from "../errors/index.ts";
import type { BrokerPage } from "./broker.ts";
import { consecutive, gapAfter } from "./recovery.ts";
import { type TopicsEnvironment, withTimeout } from "./topics-environment.ts";
import { isNoPosition, readPosition } from "./position.ts";
import type { GapReason, HistoryPage } from "./publication.ts";
import type { HistoryOptions } from "./topic.ts";
import type { TopicSettings } from "./topic-options.ts";

/** See `Topic.history`. */
export async function readHistory(
  topic: string,
  context: TopicsEnvironment,
  { retention }: TopicSettings,
  { since, limit = 100 }: HistoryOptions,
): Promise<HistoryPage> {
  if (!Number.isSafeInteger(limit) || limit < 0) {
    throw new UsageError("INVALID_LIMIT", `limit ${String(limit)} is not a whole number from 0 on`);
  }
  const position = readPosition(since);
  // With a limit of 0 too, whether anything is missing shows only in what comes next.
  const query = position === undefined ? { limit } : { since: position, limit: Math.max(1, limit) };
  const page = await withTimeout(context, context.broker.history(topic, query, retention));
  if (position === undefined) {
    if (isNoPosition(since)) return notRecovered(page, "no-position", page.publications);
    return notRecovered(page, "invalid-position", []);
  }
  const reason = gapAfter(position, page);
  if (reason !== undefined) return notRecovered(page, reason, []);
  const publications = consecutive(position, page).slice(0, limit);
  return { position: page.position, recovered: true, publications };
}

function notRecovered(
  { position }: BrokerPage,
  reason: GapReason,
  publications: HistoryPage["publications"],
): HistoryPage {
  return { position, recovered: false, reason, publications };
}
