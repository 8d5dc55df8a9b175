import type { LossReason } from "../../topic-names/loss-reason.ts";
import type { ChannelEvents } from "./events.ts";
import type { MemberDataOf, MessageOf, PublishDataOf } from "../contract/contract-types.ts";

/** A message of a topic, and its position. */
export interface ChannelMessage<Data> {
  readonly data: Data;
  /** The position in the topic: pass it as `since` or `before`. Its format may change, so do not parse it. */
  readonly position: string;
}

/** A message of a volatile topic, which has no position. */
export interface VolatileChannelMessage<Data> {
  readonly data: Data;
}

/** A loss of publications, for `onLost` of `messages`. */
export interface PublicationsLost {
  readonly reason: LossReason;
  /** The position where the messages continue: every publication after it follows. */
  readonly position: string;
}

/** Options of `messages` of a topic. */
export interface MessagesOptions {
  /** The number of latest publications to start with. Default: 0. Not together with `since`. */
  readonly last?: number;
  /** The position after which to start. Default: the first message is the next publication. */
  readonly since?: string;
  /**
   * Called once, when the server has accepted the subscription, and before the first message. Before it,
   * a topic without messages may still be loading.
   */
  readonly onSubscribed?: () => void;
  /** Ends the messages: the iterator throws the signal's reason. */
  readonly signal?: AbortSignal;
  /**
   * Called when publications were lost, before any later message. Default: the iterator throws
   * `PublicationsLostError`.
   */
  readonly onLost?: (loss: PublicationsLost) => void;
}

/** Options of `messages` of a volatile topic. */
export type VolatileMessagesOptions = Pick<MessagesOptions, "onSubscribed" | "signal">;

/** Options of `publish` of a topic. */
export interface ChannelPublishOptions {
  /**
   * An id of the application, of 1 to 124 characters. A publication with the same id is stored once while the
   * broker remembers it, also if another client publishes it. For applications that store what they publish,
   * and publish it again after a restart. Default: the client makes an id that no other client can use.
   */
  readonly id?: string;
  /** Stops waiting: the promise rejects with the signal's reason. The publication may be stored all the same. */
  readonly signal?: AbortSignal;
}

/** The result of `publish`. */
export interface ChannelPublishResult {
  /** The position of the publication; absent for a volatile topic. */
  readonly position?: string;
  /** Whether a publication with the same id was stored before. Then this one was not. */
  readonly isDuplicate: boolean;
}

/** Options of `history` of a topic. */
export interface ChannelHistoryOptions {
  /** The maximum number of messages. The server may return fewer. Default: 100. */
  readonly limit?: number;
  /** Read messages before this position. Default: the end of the topic. Not together with `after`. */
  readonly before?: string;
  /** Read messages after this position. */
  readonly after?: string;
  /** Stops waiting: the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** A page of the history of a topic. */
export interface ChannelHistoryPage<Data> {
  /** The messages, in the order of the topic. */
  readonly messages: readonly ChannelMessage<Data>[];
  /** The last position of the topic at the time of the read. */
  readonly position: string;
  /** Why messages after `after` are missing from the history. Then `messages` is empty. */
  readonly reason?: LossReason;
}

/** A member of a topic. */
export interface ChannelMember<Data> {
  readonly id: string;
  readonly data: Data;
}

/** A change of the members of a topic. */
export interface MembersChange<Data> {
  /** All members after the change. */
  readonly members: readonly ChannelMember<Data>[];
  readonly joined: readonly ChannelMember<Data>[];
  readonly left: readonly ChannelMember<Data>[];
}

/** The part of a topic that all topics have. */
export interface ChannelTopicBase<Draft, Message, Options> {
  /** The name of the topic. */
  readonly name: string;

  /**
   * Subscribes to the topic with the first `next()`, and iterates over its messages, through reconnects. Each
   * iterator has its own queue. All topics of a client with the same name share one subscription, which ends
   * with the last iterator. Its `creditBytes` is renewed at the pace of the slowest iterator.
   *
   * The iterator throws a `ChannelError` if the server refuses the subscription or ends it, for example with
   * `TOO_BIG` for a publication above `maxMessageBytes` of the client. It throws `PublicationsLostError` when
   * publications were lost and there is no `onLost`.
   */
  messages(options?: Options): AsyncIterableIterator<Message, undefined, undefined>;

  /**
   * Publishes a draft. Resolves when the server has stored the publication. Publications of a client to one
   * topic are stored in the order of the calls.
   *
   * Without a connection the publication waits for one. After a reconnect it is sent again, and stored once.
   * Rejects with a `ChannelError`; its `mayBeStored` says whether the publication may be stored. It rejects
   * with `QUEUE_FULL` at once if all publishes and calls without an answer would together exceed
   * `maxQueuedBytes`, and with `TOO_BIG` if the message exceeds `maxMessageBytes` of the server.
   *
   * To a volatile topic, it rejects with `CONNECTION_LOST` without a connection, or if the connection is lost
   * before the answer, and is not sent again. The client knows that a topic is volatile after the first answer.
   */
  publish(draft: Draft, options?: ChannelPublishOptions): Promise<ChannelPublishResult>;
}

/** A topic with stored messages. */
export interface ChannelTopic<Draft, Data> extends ChannelTopicBase<
  Draft,
  ChannelMessage<Data>,
  MessagesOptions
> {
  /** Reads messages from the history. Rejects with a `ChannelError`. */
  history(options?: ChannelHistoryOptions): Promise<ChannelHistoryPage<Data>>;
}

/** A topic that does not store its messages. */
export interface VolatileChannelTopic<Draft, Data> extends ChannelTopicBase<
  Draft,
  VolatileChannelMessage<Data>,
  VolatileMessagesOptions
> {}

/** The presence of a topic. */
export interface ChannelPresence<Data> {
  /**
   * The members. Undefined while the client does not know them: it asks the server for them only while
   * `onMembersChange` has a listener; `enter` does not ask for them. Each change makes a new array.
   */
  readonly members: readonly ChannelMember<Data>[] | undefined;
  /** Changes of the members. The first event has all members, and comes also to later listeners. */
  readonly onMembersChange: ChannelEvents<MembersChange<Data>>;
  /**
   * Enters the topic until `leave()` or `close()`, through reconnects. Resolves with the member that the
   * server's rule returned. Rejects with a `ChannelError`: with `LEFT` if `leave()` is called before the answer.
   */
  enter(): Promise<ChannelMember<Data>>;
  /**
   * Leaves the topic. Resolves when the server has removed the member. Without a connection, it waits for the
   * next one; the server removes the member after `presenceGraceMs` anyway. No effect for a client that has not
   * entered. Rejects with a `ChannelError`.
   */
  leave(): Promise<void>;
}

/** The type of the topic of a client, for a topic of the contract. */
export type ChannelTopicOf<Topic> = (Topic extends { readonly isVolatile: true }
  ? VolatileChannelTopic<PublishDataOf<Topic>, MessageOf<Topic>>
  : ChannelTopic<PublishDataOf<Topic>, MessageOf<Topic>>) &
  (Topic extends { readonly member: unknown } ? ChannelPresence<MemberDataOf<Topic>> : unknown);
