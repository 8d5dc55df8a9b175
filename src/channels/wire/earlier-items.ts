import { PublicationsLostError } from "./channel-error.ts";
import type { ClientSession } from "./client-session.ts";
import type { SubscriptionStart, SubscriptionValue } from "./client-subscription.ts";
import { type HistoryPage, readHistory, type TopicItem } from "./history.ts";

/** The values that a reader takes first, and a test for values of its subscription that it then leaves out. */
type Earlier = readonly [
  SubscriptionValue[],
  isKnown: (value: { readonly position?: string | undefined }) => boolean,
];

/** The maximum number of items in one answer to `history`. */
const PAGE_SIZE = 1000;

/**
 * Reads the latest `last` items of a topic, or the items after `since`, for a reader of a subscription that has
 * everything after the position `base`. The epoch may change during the read. Then the reader gets all items
 * of the earlier epoch before items of the later one, or none of the earlier epoch.
 */
export async function readEarlier(
  session: ClientSession,
  topic: string,
  { last = 0, since: end }: SubscriptionStart,
  base: string,
  isWanted: () => boolean,
): Promise<Earlier> {
  const items: SubscriptionValue[] = [];
  /** Whether a value is up to `end`, where the items end. */
  const isKnown = ({ position }: { readonly position?: string | undefined }): boolean => {
    const [epoch, offset] = position?.split(":") ?? [];
    const [endEpoch, endOffset] = end!.split(":");
    return epoch === endEpoch ? +offset <= +endOffset : epoch === base.split(":")[0];
  };
  const options = { retryIf: isWanted };
  let page: HistoryPage;
  if (end)
    do {
      page = await readHistory(session, topic, { after: end, limit: PAGE_SIZE }, options);
      items.push(...page.messages);
      end = page.messages.at(-1)?.position ?? end;
      if (page.reason) items.push(new PublicationsLostError(page.reason, (end = base)));
    } while (isWanted() && page.messages.length && !isKnown({ position: base }));
  else
    do {
      page = await readHistory(
        session,
        topic,
        {
          before: (items[0] as TopicItem | undefined)?.position,
          limit: last - items.length,
        },
        options,
      );
      items.unshift(...page.messages);
      end ??= page.position;
    } while (isWanted() && page.messages.length && items.length < last);
  return [items, isKnown];
}
