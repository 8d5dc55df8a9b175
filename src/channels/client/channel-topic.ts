import { enter, leave, membersOf, watchMembers } from "../wire/client-presence.ts";
import type { ClientSession } from "../wire/client-session.ts";
import { subscribe } from "../wire/client-subscription.ts";
import type { FlowReader } from "../wire/credit-flow.ts";
import { readHistory } from "../wire/history.ts";
import { eventsOf } from "./events.ts";
import { iterate } from "./iterate.ts";
import type {
  ChannelMessage,
  ChannelPresence,
  ChannelTopic,
  HistoryPageOptions,
  MessagesOptions,
  PublishDraftOptions,
  PublishResult,
} from "./topic-interface.ts";

/** Validates data. Undefined if the client does not validate. */
export type Convert = ((data: unknown) => Promise<unknown>) | undefined;

/** Creates a topic of a client. */
export function createTopic(
  session: ClientSession,
  topic: string,
  validate: Convert,
): ChannelTopic<unknown, unknown> & ChannelPresence<unknown> {
  const convert =
    validate &&
    (async (item: unknown) => ({
      ...(item as object),
      data: await validate((item as ChannelMessage<unknown>).data),
    }));
  return {
    name: topic,
    messages: (options: MessagesOptions = {}) =>
      iterate(() => subscribe(session, topic, options) as FlowReader<unknown>, {
        ...(options as object),
        convert,
      }),
    async publish(data, { id: key, signal }: PublishDraftOptions = {}) {
      const fields = (id: number): object => ({ topic, data, key, number: key ? undefined : id });
      const answer = await session.request("publish", fields, { signal });
      const [{ position, isDuplicate }] = answer as unknown as [PublishResult];
      return { position, isDuplicate } as PublishResult;
    },
    async history({ signal, limit = 100, before, after }: HistoryPageOptions = {}) {
      const query = { limit, before, after };
      const page = await readHistory(session, topic, query, { signal });
      if (!convert) return page as never;
      return { ...page, messages: await Promise.all(page.messages.map(convert)) } as never;
    },
    enter: () => enter(session, topic) as never,
    leave: () => leave(session, topic),
    get members() {
      return membersOf(session, topic) as never;
    },
    onMembersChange: eventsOf(() => watchMembers(session, topic)) as never,
  };
}
