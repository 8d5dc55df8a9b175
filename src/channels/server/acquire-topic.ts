import type { ErrorFields } from "../wire/frames.ts";
import type { ChannelConnection } from "./connection.ts";
import { tooMany, UNKNOWN_TOPIC } from "./failures.ts";
import type { ResolvedLimits } from "./limits.ts";
import type { TopicEntry } from "./topic-table.ts";

/** The limits on the number of requests of one kind. */
type RequestLimit = Extract<keyof ResolvedLimits, `max${string}`>;

/**
 * Returns the topic of a request, which the caller releases later. Or fails the request: the connection has
 * reached a limit, or no pattern matches the name.
 *
 * @param used how much of the limit is in use
 * @param fail default: answers with the error
 */
export function acquireTopic(
  { environment, session }: ChannelConnection,
  { id, topic }: { readonly id: number; readonly topic: string },
  limit: RequestLimit,
  used: number,
  fail: (id: number, error: ErrorFields) => void = (_, error) => session.fail(id, error),
): TopicEntry | undefined {
  if (used >= environment.limits[limit]) {
    fail(id, tooMany(limit));
    return undefined;
  }
  const entry = environment.table.acquire(topic);
  if (entry === undefined) fail(id, UNKNOWN_TOPIC);
  return entry;
}
