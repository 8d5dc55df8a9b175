import type {
  BrokerListener,
  BrokerPage,
  HistoryQuery,
  PresenceEntry,
  PublicationDraft,
  BrokerPublishResult,
  Retention,
  VolatileMessage,
} from "./broker.ts";
import type { Position } from "./position.ts";
import type { Publication } from "./publication.ts";

interface Stored {
  readonly publication: Publication;
  readonly bytes: number;
  readonly storedAtMs: number;
}

/**
 * One topic of a `MemoryBroker`, with its listeners. Clients can create many unused topics, so a topic
 * creates each collection only when it needs it.
 */
export class MemoryTopic {
  readonly #epoch = crypto.randomUUID();
  #listeners: Set<BrokerListener> | undefined;
  /** The publications by offset. The oldest is first, and there are no gaps. */
  #stored: Map<number, Stored> | undefined;
  #ids: Map<string, { readonly position: Position; readonly untilMs: number }> | undefined;
  #members: Map<string, { readonly entry: PresenceEntry; readonly untilMs: number }> | undefined;
  #undelivered: Publication[] | undefined;
  #isDelivering = false;
  #lastOffset = 0;
  #bytes = 0;
  /** The time at which history, ids and members have all expired. */
  #expiresAtMs: number;

  constructor(nowMs: number) {
    // A client may keep the position before the first publication.
    this.#expiresAtMs = nowMs + MIN_LIFE_MS;
  }

  get hasListeners(): boolean {
    return this.#listeners !== undefined && this.#listeners.size > 0;
  }

  /** Whether the topic may be evicted, if it has no listeners. */
  isExpired(nowMs: number): boolean {
    return nowMs >= this.#expiresAtMs;
  }

  publish(draft: PublicationDraft, retention: Retention, nowMs: number): BrokerPublishResult {
    this.#keepUntil(nowMs + Math.max(retention.ageMs, retention.idWindowMs));
    this.#expireIds(nowMs);
    const ids = (this.#ids ??= new Map());
    const known = ids.get(draft.id);
    if (known !== undefined && known.untilMs > nowMs) {
      return { position: known.position, isDuplicate: true };
    }
    const position = { epoch: this.#epoch, offset: ++this.#lastOffset };
    const publication = { position, id: draft.id, data: draft.data };
    const bytes = draft.data.length;
    this.#stored ??= new Map();
    this.#stored.set(position.offset, { publication, bytes, storedAtMs: nowMs });
    this.#bytes += bytes;
    this.#evict(retention, nowMs);
    ids.delete(draft.id);
    ids.set(draft.id, { position, untilMs: nowMs + retention.idWindowMs });
    this.#deliver(publication);
    return { position, isDuplicate: false };
  }

  history({ since, limit }: HistoryQuery, retention: Retention, nowMs: number): BrokerPage {
    this.#keepUntil(nowMs + retention.ageMs);
    this.#evict(retention, nowMs);
    const position = { epoch: this.#epoch, offset: this.#lastOffset };
    const firstKept = this.#lastOffset - (this.#stored?.size ?? 0) + 1;
    const from =
      since === undefined
        ? Math.max(firstKept, this.#lastOffset - limit + 1)
        : Math.max(firstKept, since.offset + 1);
    const publications: Publication[] = [];
    for (let offset = from; offset <= this.#lastOffset && publications.length < limit; offset++) {
      publications.push(this.#stored!.get(offset)!.publication);
    }
    return { position, publications };
  }

  subscribe(listener: BrokerListener): () => void {
    const listeners = (this.#listeners ??= new Set());
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  send(message: VolatileMessage): void {
    for (const listener of this.#listeners ?? []) listener.onMessage?.(message);
  }

  enter(entry: PresenceEntry, ttlMs: number, nowMs: number): void {
    this.#keepUntil(nowMs + ttlMs);
    const members = (this.#members ??= new Map());
    const known = members.get(entry.key);
    const isSame =
      known !== undefined && known.untilMs > nowMs && known.entry.value === entry.value;
    members.set(entry.key, { entry, untilMs: nowMs + ttlMs });
    if (!isSame) this.#notifyPresence();
  }

  leave(key: string): void {
    if (this.#members?.delete(key) === true) this.#notifyPresence();
  }

  members(nowMs: number): readonly PresenceEntry[] {
    const members = this.#members;
    if (members === undefined) return [];
    for (const [key, { untilMs }] of members) {
      if (untilMs <= nowMs) members.delete(key);
    }
    return Array.from(members.values(), ({ entry }) => entry);
  }

  #keepUntil(atMs: number): void {
    this.#expiresAtMs = Math.max(this.#expiresAtMs, atMs);
  }

  #evict(retention: Retention, nowMs: number): void {
    const stored = this.#stored;
    if (stored === undefined) return;
    for (const [offset, { bytes, storedAtMs }] of stored) {
      const isLatest = offset === this.#lastOffset;
      const isTooOld = nowMs - storedAtMs >= retention.ageMs;
      const isTooMuch = this.#bytes > retention.bytes && !isLatest;
      if (!isTooOld && !isTooMuch && stored.size <= retention.size) return;
      stored.delete(offset);
      this.#bytes -= bytes;
    }
  }

  /** Removes expired ids, in order of arrival, up to the first id that has not expired. */
  #expireIds(nowMs: number): void {
    const ids = this.#ids;
    if (ids === undefined) return;
    for (const [id, { untilMs }] of ids) {
      if (untilMs > nowMs) return;
      ids.delete(id);
    }
  }

  /**
   * Delivers a publication. If a listener publishes during a delivery, the new publication waits, so that all
   * listeners get the same order.
   */
  #deliver(publication: Publication): void {
    if (this.#isDelivering) {
      (this.#undelivered ??= []).push(publication);
      return;
    }
    this.#isDelivering = true;
    for (let next: Publication | undefined = publication; next; next = this.#undelivered?.shift()) {
      for (const listener of this.#listeners ?? []) listener.onPublication(next);
    }
    this.#isDelivering = false;
  }

  #notifyPresence(): void {
    for (const listener of this.#listeners ?? []) listener.onPresenceChange();
  }
}

const MIN_LIFE_MS = 60_000;
