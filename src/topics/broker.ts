import type { Position } from "./position.ts";
import type { Publication, TopicData } from "./publication.ts";

/** What a broker is given to store. */
export interface PublicationDraft {
  readonly id: string;
  readonly data: TopicData;
}

/** How much of a topic is kept, and for how long. An engine MAY keep more, and MUST NOT keep less. */
export interface Retention {
  /** The most publications. */
  readonly size: number;
  /** The most bytes of data; the latest publication is kept whatever its size. */
  readonly bytes: number;
  /** The oldest age. */
  readonly ageMs: number;
  /** How long an id is remembered. */
  readonly idWindowMs: number;
}

/** Where a publication was stored. */
export interface PublishReceipt {
  readonly position: Position;
  /** Whether the id was known: the position is that of the publication it was first used for. */
  readonly isDuplicate: boolean;
}

export interface HistoryQuery {
  /** Read forwards from behind this position; else the latest are read. */
  readonly since?: Position;
  /** The most publications to read; 0 reads the position only. */
  readonly limit: number;
}

/** What a broker has read; nobody has looked yet whether anything is missing. */
export interface BrokerPage {
  /** The last position of the topic. */
  readonly position: Position;
  /** In order of their offsets, all of the epoch of `position`. */
  readonly publications: readonly Publication[];
}

/** Somebody who is present. */
export interface PresenceEntry {
  /** Names the entry: unique among all nodes, 1 to 128 of `A-Z a-z 0-9 _ -`. */
  readonly key: string;
  /** What the member is, as text. */
  readonly value: string;
}

/** The node's ear on one topic. Its methods never throw. */
export interface BrokerListener {
  onPublication(publication: Publication): void;
  /** Publications or changes of presence may have been missed: the connection was interrupted. */
  onInterruption(): void;
  /** Who is present may have changed. */
  onPresenceChange(): void;
}

/**
 * An engine that keeps publications in order and hands them to all nodes. Topics build their
 * guarantee on what is written here, and nothing else.
 *
 * Every method that returns a promise MUST reject with a {@link BrokerError} where the engine cannot
 * be reached or answers nonsense, whose `isRetryable` says whether trying again can help. Topics do
 * not wait for ever, so a promise MAY stay pending while the engine is away, and what was asked for
 * MAY then still happen.
 *
 * Names of topics may come from clients. So a broker MUST bound how many topics it holds in this process,
 * and document the limit. It MAY forget topics without listeners, the one idle longest first. A forgotten
 * topic that is used again MUST get another epoch. A broker MUST NOT forget a topic with listeners: if
 * there is no room, the call MUST reject with `TOPICS_FULL` and change nothing.
 */
export interface Broker {
  /**
   * Appends to a topic.
   *
   * - It MUST resolve only once the publication is stored as durably as the engine is set up to.
   * - The offset MUST be one more than that of the publication before it in the same epoch, across
   *   all nodes; 1 for the first.
   * - With an id that was stored within `idWindowMs`, it MUST NOT append, and MUST resolve with the
   *   first position. Looking for the id and appending MUST be one atomic step.
   * - When it rejects, the publication MAY have been stored; it MUST NOT be stored in part.
   * - Where the engine may have lost publications that were resolved, the epoch MUST change before
   *   anything else is appended.
   */
  publish(topic: string, draft: PublicationDraft, retention: Retention): Promise<PublishReceipt>;

  /**
   * Reads what was published. It MUST include everything whose `publish` resolved before the call,
   * but for what retention let go; the oldest goes first. It MUST NOT hand out what it cannot
   * validate: such a publication is left out. A topic that nobody has used MUST get an epoch, which
   * stays while the topic exists, so that its position at offset 0 means something.
   */
  history(topic: string, query: HistoryQuery, retention: Retention): Promise<BrokerPage>;

  /**
   * Listens to a topic until the function it resolves with is called. For every publication stored
   * after it has resolved, `onPublication` MUST be called, in order; or `onInterruption` MUST be
   * called once the engine can be reached again, or a later publication be delivered, whose offset
   * shows that there is one missing. It MAY call back before it resolves, and MAY deliver a
   * publication more than once. It MUST NOT call back after it was stopped.
   */
  subscribe(topic: string, listener: BrokerListener): Promise<() => Promise<void>>;

  /**
   * Adds an entry, or puts off its end: it MUST be gone `ttlMs` after the last `enter`, give or take
   * the engine's tick, whatever becomes of the node. Listeners MUST be told when the entry is new;
   * they MAY be told otherwise too.
   */
  enter(topic: string, entry: PresenceEntry, ttlMs: number): Promise<void>;

  /** Removes an entry, if it is there. Listeners MUST be told. */
  leave(topic: string, key: string): Promise<void>;

  /** The entries that are there. It MUST NOT hand out what it cannot validate. */
  members(topic: string): Promise<readonly PresenceEntry[]>;

  /** Ends what this broker started, listeners included. What the user passed in is left alone. */
  close(): Promise<void>;
}
