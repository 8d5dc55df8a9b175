import { EventStream } from "../../streams/event-stream.ts";
import { ClientPresence, ClientWatch, type FrameMembersChange } from "../wire/client-presence.ts";
import type { ClientSession } from "../wire/client-session.ts";
import { subscribe } from "../wire/client-subscription.ts";
import type { FrameMember } from "../wire/frames.ts";
import type { FlowReader } from "../wire/credit-flow.ts";
import { FlowIterator } from "./flow-iterator.ts";
import type {
  ChannelHistoryPage,
  ChannelMessage,
  HistoryPageOptions,
  MessagesOptions,
  PublishDraftOptions,
  PublishResult,
} from "./topic-interface.ts";

/** Validates a message. Undefined if the client does not validate. */
export type Convert = ((data: unknown) => Promise<unknown>) | undefined;

/** A topic of a client. */
export class ChannelTopic {
  readonly name: string;
  readonly onMembersChange: EventStream<FrameMembersChange>;
  readonly #session: ClientSession;
  readonly #convert: Convert;

  constructor(session: ClientSession, name: string, convert: Convert) {
    this.#session = session;
    this.name = name;
    this.#convert =
      convert &&
      (async (item) => {
        const { data, ...others } = item as ChannelMessage<unknown>;
        return { data: await convert(data), ...others };
      });
    this.onMembersChange = new EventStream((...listener) =>
      (this.#watch ?? new ClientWatch(session, name)).listen(...listener),
    );
  }

  get members(): readonly FrameMember[] {
    return this.#watch?.members ?? [];
  }

  messages({ last, since, signal, onLost }: MessagesOptions = {}): FlowIterator {
    const open = (): FlowReader<unknown> =>
      subscribe(this.#session, this.name, { last, since }) as FlowReader<unknown>;
    return new FlowIterator(open, {
      signal,
      onLost: onLost as never,
      convert: this.#convert,
    });
  }

  async publish(draft: unknown, { id, signal }: PublishDraftOptions = {}): Promise<PublishResult> {
    const { frame } = await this.#session.publish(this.name, draft, id, { signal });
    const { position, isDuplicate } = frame as { position?: string; isDuplicate?: boolean };
    return { ...(position && { position }), isDuplicate: !!isDuplicate };
  }

  async history(options: HistoryPageOptions = {}): Promise<ChannelHistoryPage<unknown>> {
    const { signal, limit = 100, before, after } = options;
    const { items, position, reason } = await this.#session.history(
      this.name,
      { limit, before, after },
      { signal },
    );
    const messages = this.#convert ? await Promise.all(items.map(this.#convert)) : items;
    return { messages, position, ...(reason && { reason }) } as ChannelHistoryPage<unknown>;
  }

  enter(): Promise<FrameMember> {
    let presence = this.#presence;
    if (!presence) {
      presence = new ClientPresence(this.#session, this.name);
      presence.open();
    }
    return presence.entered;
  }

  async leave(): Promise<void> {
    await this.#presence?.leave();
  }

  get #watch(): ClientWatch | undefined {
    return this.#session.states.get(`watch ${this.name}`) as ClientWatch | undefined;
  }

  get #presence(): ClientPresence | undefined {
    return this.#session.states.get(`enter ${this.name}`) as ClientPresence | undefined;
  }
}
