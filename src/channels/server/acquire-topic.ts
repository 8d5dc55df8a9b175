import type { ErrorFields } from "../wire/frames.ts";
import type { ChannelConnection } from "./connection.ts";
import { tooMany, tooManyTopics, UNKNOWN_TOPIC } from "./failures.ts";
import type { ResolvedLimits } from "./limits.ts";
import type { TopicEntry } from "./topic-table.ts";

/** The limits on the number of requests of one kind. */
type RequestLimit = Extract<keyof ResolvedLimits, `max${string}`>;

/** How much of a limit is in use. */
export interface LimitUse {
  /** Until the client ends it, such as a subscription. */
  readonly lasting?: number;
  /** Until the server has answered. */
  readonly pending: number;
}

/**
 * Returns the topic of a request, which the caller releases later. Or fails the request: the connection has
 * reached a limit, or no pattern matches the name.
 *
 * @param fail default: answers with the error
 */
export function acquireTopic(
  { environment, session }: ChannelConnection,
  { id, topic }: { readonly id: number; readonly topic: string },
  limit: RequestLimit,
  { lasting = 0, pending }: LimitUse,
  fail: (id: number, error: ErrorFields) => void = (_, error) => session.fail(id, error),
): TopicEntry | undefined {
  if (session.exceedsPendingBytes) {
    fail(id, tooMany("maxPendingBytes"));
    return undefined;
  }
  const max = environment.limits[limit];
  if (lasting + pending >= max) {
    fail(id, lasting >= max ? tooManyTopics(limit) : tooMany(limit));
    return undefined;
  }
  const entry = environment.table.acquire(topic);
  if (entry === undefined) fail(id, UNKNOWN_TOPIC);
  return entry;
}
