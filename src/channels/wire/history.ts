import type { LossReason } from "../../topic-names/loss-reason.ts";
import type { ClientSession, RequestOptions } from "./client-session.ts";

/** A publication as its subscribers get it. */
export interface TopicItem {
  readonly data: unknown;
  /** Absent for volatile topics. */
  readonly position?: string | undefined;
}

/** A page of the history of a topic. */
export interface HistoryPage {
  readonly messages: readonly TopicItem[];
  /** The last position of the topic at the time of the read. */
  readonly position: string;
  /** Why the items do not follow `after`, if they do not. */
  readonly reason: LossReason | undefined;
}

/** Reads publications from the history of a topic. */
export async function readHistory(
  session: ClientSession,
  topic: string,
  query: object,
  options?: RequestOptions,
): Promise<HistoryPage> {
  let messages: TopicItem[];
  const fields = (): object => {
    // The server begins again on each connection.
    messages = [];
    return { topic, ...query };
  };
  const frame = await session.request("history", topic, fields, options, ({ data, position }) =>
    messages.push({ data, position }),
  );
  const { position, reason } = frame as never as HistoryPage;
  return { messages: messages!, position, reason };
}
