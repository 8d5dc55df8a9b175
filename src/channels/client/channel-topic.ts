import { createWatch, enter, leave, type Watch } from "../wire/client-presence.ts";
import type { ClientSession } from "../wire/client-session.ts";
import { follow } from "../wire/client-state.ts";
import { subscribe } from "../wire/client-subscription.ts";
import { readHistory } from "../wire/history.ts";
import { eventsOf } from "./events.ts";
import { iterate } from "./iterate.ts";
import type {
  ChannelPresence,
  ChannelTopic,
  ChannelHistoryOptions,
  MessagesOptions,
  ChannelPublishOptions,
  ChannelPublishResult,
} from "./topic-interface.ts";

/** Creates a topic of a client. */
export function createTopic(
  session: ClientSession,
  topic: string,
): ChannelTopic<unknown, unknown> & ChannelPresence<unknown> {
  return {
    name: topic,
    messages: (options: MessagesOptions = {}) =>
      iterate(() => subscribe(session, topic, options), options),
    async publish(data, { id: key, signal }: ChannelPublishOptions = {}) {
      const fields = (number: number): object =>
        key === undefined ? { topic, data, number } : { topic, data, key };
      const answer = await session.request("publish", topic, fields, { signal });
      const { position, isDuplicate } = answer as ChannelPublishResult;
      if (!position) session.volatile.add(topic);
      return { position, isDuplicate } as ChannelPublishResult;
    },
    history: ({ signal, limit = 100, before, after }: ChannelHistoryOptions = {}) =>
      readHistory(session, topic, { limit, before, after }, { signal }) as never,
    enter: () => enter(session, topic) as never,
    leave: () => leave(session, topic),
    get members() {
      return (session.states.get(`watch ${topic}`) as Watch | undefined)?.members as never;
    },
    onMembersChange: eventsOf(() =>
      follow(session, "watch", topic, undefined, createWatch),
    ) as never,
  };
}
