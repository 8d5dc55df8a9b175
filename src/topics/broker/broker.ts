import type { Position } from "./position.ts";
import type { Publication, TopicData } from "./publication.ts";

/** A publication that a broker has not stored yet. */
export interface PublicationDraft {
  /** Identifies the publication: 1 to 128 characters. */
  readonly id: string;
  /** The text or bytes of the publication. */
  readonly data: TopicData;
}

/**
 * How many publications of a topic a broker keeps, and for how long. A broker MAY keep more, and MUST NOT
 * keep fewer.
 */
export interface Retention {
  /** The number of publications to keep. */
  readonly size: number;
  /** The number of bytes of data to keep. The latest publication is kept at any size. */
  readonly bytes: number;
  /** How long publications are kept, in milliseconds. */
  readonly ageMs: number;
  /** How long the broker remembers an id, in milliseconds. */
  readonly idWindowMs: number;
}

/** The position at which a broker has stored a publication. */
export interface BrokerPublishResult {
  /** The position of the publication in the topic. */
  readonly position: Position;
  /** Whether the id was known. Then `position` is the position of the first publication with this id. */
  readonly isDuplicate: boolean;
}

/** The part of a topic's history to read. */
export interface HistoryQuery {
  /** Read the publications after this position. Default: read the latest publications. */
  readonly since?: Position;
  /** The maximum number of publications to read; 0 reads only the position. */
  readonly limit: number;
}

/** A page of a topic's history. Publications may be missing: topics check the offsets. */
export interface BrokerPage {
  /** The last position of the topic. */
  readonly position: Position;
  /** The publications by ascending offset, all in the epoch of `position`. */
  readonly publications: readonly Publication[];
}

/** A volatile message, which is delivered to the current listeners and is not stored. */
export interface VolatileMessage {
  /** The text or bytes of the message. */
  readonly data: TopicData;
  /** Identifies the sender, if `send` was called with one: 1 to 128 characters. */
  readonly sender?: string;
}

/** An entry in the presence of a topic. */
export interface PresenceEntry {
  /** Identifies the entry. Unique over all servers, 1 to 128 characters of `A-Z a-z 0-9 _ -`. */
  readonly key: string;
  /** The member, as text. */
  readonly value: string;
}

/** Receives the broker's events for one topic. Its methods never throw. */
export interface BrokerListener {
  /** Called with each publication of the topic. */
  onPublication(publication: Publication): void;
  /** Called when the broker is connected again, and may have missed publications or presence changes. */
  onInterruption(): void;
  /** Called when the presence of the topic may have changed. */
  onPresenceChange(): void;
  /** Called with each volatile message of the topic. Absent if the listener does not need them. */
  onMessage?(message: VolatileMessage): void;
}

/**
 * Stores the publications of topics in order in an engine such as Redis or NATS, and delivers them to all
 * servers. Implement this interface to use another engine. The guarantees of topics depend only on the rules
 * in this interface; `brokerSuite` from `tideway/testing` tests an implementation.
 *
 * Every method that returns a promise MUST reject with a {@link BrokerError} if it cannot reach the engine,
 * or gets an invalid answer. The `isRetryable` of the error says whether a retry can help. Topics have
 * timeouts, so a promise MAY stay pending while the engine cannot be reached, and the request MAY still
 * take effect later.
 *
 * Topic names may come from clients. A broker MUST limit the number of topics that it holds in this process,
 * and document the limit. It MAY evict topics without listeners, and then evicts the topic that has been idle
 * longest. An evicted topic that is used again MUST get another epoch. A broker MUST NOT evict a topic with
 * listeners. If it has no room, the call MUST reject with `TOPICS_FULL` and change nothing.
 */
export interface Broker {
  /**
   * Appends a publication to a topic.
   *
   * - It MUST resolve only after the engine has stored the publication, as durably as the engine is
   *   configured.
   * - The offset MUST be one higher than the offset of the previous publication in the same epoch, over all
   *   servers. The first publication of a topic has the offset 1.
   * - If the id was stored within `idWindowMs`, it MUST NOT append, and MUST resolve with the first
   *   position. Looking up the id and appending MUST be one atomic step.
   * - When it rejects, the publication MAY have been stored. It MUST NOT be stored in part.
   * - If the engine may have lost a publication after its `publish` has resolved, the epoch MUST change
   *   before the next publication.
   */
  publish(
    topic: string,
    draft: PublicationDraft,
    retention: Retention,
  ): Promise<BrokerPublishResult>;

  /**
   * Reads publications of a topic. It MUST include every publication for which `publish` resolved before the
   * call. Only retention may remove publications, the oldest first. It MUST leave out publications that it
   * cannot validate. A topic that was not used before MUST get an epoch that stays the same while the topic
   * exists, so that its position at offset 0 is valid.
   */
  history(topic: string, query: HistoryQuery, retention: Retention): Promise<BrokerPage>;

  /**
   * Listens to a topic. Resolves with a function that stops listening.
   *
   * For every publication that is stored after `subscribe` has resolved, it MUST call `onPublication`, in
   * order. If it cannot, it MUST either call `onInterruption` once it reaches the engine again, or deliver a
   * later publication, so that its offset shows the gap. It MAY call the listener before it resolves, and MAY
   * deliver a publication more than once. It MUST NOT call the listener after it was stopped.
   */
  subscribe(topic: string, listener: BrokerListener): Promise<() => Promise<void>>;

  /**
   * Delivers a volatile message to the listeners of a topic on all servers, and stores nothing. A broker MAY
   * leave out this method. Topics then have no volatile messages.
   *
   * - It calls `onMessage` of a listener at most once for each message, and only if the `subscribe` of that
   *   listener has resolved before. While all servers are connected to the engine, it MUST call it.
   * - Messages that one server sends to one topic MUST arrive in the order of the calls.
   * - It MUST NOT change the position of the topic, nor its history.
   */
  send?(topic: string, message: VolatileMessage): Promise<void>;

  /**
   * Adds an entry to the presence of a topic, or renews it. The entry MUST expire `ttlMs` after the last
   * `enter`, within the resolution of the engine's clock, even if this server crashes. If the entry is new, or
   * has another value than before, the broker MUST call `onPresenceChange` on all listeners of the topic. It
   * MAY also call it for a renewal.
   */
  enter(topic: string, entry: PresenceEntry, ttlMs: number): Promise<void>;

  /**
   * Removes an entry. If the entry existed, the broker MUST call `onPresenceChange` on all listeners of the
   * topic.
   */
  leave(topic: string, key: string): Promise<void>;

  /** Reads the entries of a topic. It MUST leave out entries that it cannot validate. */
  members(topic: string): Promise<readonly PresenceEntry[]>;

  /**
   * Closes the broker, and stops all its listeners. It MUST NOT close clients of an engine that were passed
   * to it.
   */
  close(): Promise<void>;
}
