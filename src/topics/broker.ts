import type { Position } from "./position.ts";
import type { Publication, TopicData } from "./publication.ts";

/** A publication before it is stored. */
export interface PublicationDraft {
  readonly id: string;
  readonly data: TopicData;
}

/** How much of a topic is kept, and how long. An engine MAY keep more. It MUST NOT keep less. */
export interface Retention {
  /** The most publications. */
  readonly size: number;
  /** The most bytes of data; the latest publication is kept whatever its size. */
  readonly bytes: number;
  /** How long publications are kept, in milliseconds. */
  readonly ageMs: number;
  /** How long an id is remembered, in milliseconds. */
  readonly idWindowMs: number;
}

/** Where a publication was stored. */
export interface PublishReceipt {
  readonly position: Position;
  /** Whether the id was known. Then the position is that of the publication first stored with it. */
  readonly isDuplicate: boolean;
}

export interface HistoryQuery {
  /** Read the publications after this position. Default: read the latest ones. */
  readonly since?: Position;
  /** The most publications to read; 0 reads the position only. */
  readonly limit: number;
}

/** A page of the history, which may have gaps: topics check that. */
export interface BrokerPage {
  /** The last position of the topic. */
  readonly position: Position;
  /** In order of their offsets, all of the epoch of `position`. */
  readonly publications: readonly Publication[];
}

/** A presence entry of a topic. */
export interface PresenceEntry {
  /** Identifies the entry: unique over all servers, 1 to 128 of `A-Z a-z 0-9 _ -`. */
  readonly key: string;
  /** The member, as text. */
  readonly value: string;
}

/** Receives the broker's events for one topic. Its methods never throw. */
export interface BrokerListener {
  onPublication(publication: Publication): void;
  /** The connection was interrupted: publications or presence changes may have been missed. */
  onInterruption(): void;
  /** Presence may have changed. */
  onPresenceChange(): void;
}

/**
 * Stores publications in order and delivers them to all servers. The guarantees of topics rest on what is
 * written here, and on nothing else. `brokerSuite` of `tideway/testing` checks an implementation.
 *
 * Every method that returns a promise MUST reject with a {@link BrokerError} if the engine cannot be
 * reached or answers nonsense; its `isRetryable` says whether a retry can help. Topics have timeouts, so a
 * promise MAY stay pending while the engine cannot be reached, and the request MAY still take effect later.
 *
 * Names of topics may come from clients. So a broker MUST limit how many topics it holds in this process,
 * and document the limit. It MAY evict topics without listeners, the one idle longest first. An evicted
 * topic that is used again MUST get another epoch. A broker MUST NOT evict a topic with listeners: if
 * there is no room, the call MUST reject with `TOPICS_FULL` and change nothing.
 */
export interface Broker {
  /**
   * Appends to a topic.
   *
   * - It MUST resolve only once the publication is stored as durably as the engine is configured to.
   * - The offset MUST be one more than that of the previous publication in the same epoch, over all
   *   servers; 1 for the first.
   * - If the id was stored within `idWindowMs`, it MUST NOT append, and MUST resolve with the first
   *   position. Looking up the id and appending MUST be one atomic step.
   * - When it rejects, the publication MAY have been stored. It MUST NOT be stored in part.
   * - If the engine may have lost publications whose `publish` resolved, the epoch MUST change before
   *   anything else is appended.
   */
  publish(topic: string, draft: PublicationDraft, retention: Retention): Promise<PublishReceipt>;

  /**
   * Reads publications. It MUST include everything whose `publish` resolved before the call, except what
   * retention has removed, the oldest first. It MUST leave out publications that it cannot validate. A
   * topic that was not used before MUST get an epoch, which stays the same while the topic exists, so that
   * its position at offset 0 is valid.
   */
  history(topic: string, query: HistoryQuery, retention: Retention): Promise<BrokerPage>;

  /**
   * Listens to a topic until the function that it resolves with is called. For every publication stored
   * after it has resolved, it MUST call `onPublication`, in order. Otherwise it MUST call
   * `onInterruption` when the engine can be reached again, or deliver a later publication, whose offset
   * shows that one is missing. It MAY call back before it resolves, and MAY deliver a publication more
   * than once. It MUST NOT call back after it was stopped.
   */
  subscribe(topic: string, listener: BrokerListener): Promise<() => Promise<void>>;

  /**
   * Adds an entry, or renews it: it MUST expire `ttlMs` after the last `enter`, within the resolution of
   * the engine's clock, even if this server crashes. If the entry is new, it MUST call
   * `onPresenceChange` of all listeners. It MAY call it otherwise too.
   */
  enter(topic: string, entry: PresenceEntry, ttlMs: number): Promise<void>;

  /** Removes an entry. If it was there, it MUST call `onPresenceChange` of all listeners. */
  leave(topic: string, key: string): Promise<void>;

  /** Reads the entries. It MUST leave out entries that it cannot validate. */
  members(topic: string): Promise<readonly PresenceEntry[]>;

  /** Ends everything that this broker started, listeners included. It MUST NOT close what it was given. */
  close(): Promise<void>;
}
