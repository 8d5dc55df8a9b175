import type {
  BrokerListener,
  BrokerPage,
  HistoryQuery,
  PresenceEntry,
  PublicationDraft,
  PublishReceipt,
  Retention,
} from "./broker.ts";
import type { Position } from "./position.ts";
import type { Publication } from "./publication.ts";

interface Stored {
  readonly publication: Publication;
  readonly bytes: number;
  readonly storedAtMs: number;
}

/** One topic of a `MemoryBroker`, and the listeners to it. */
export class MemoryTopic {
  readonly #epoch = crypto.randomUUID();
  readonly #listeners = new Set<BrokerListener>();
  /** By offset, the oldest first, without gaps. */
  readonly #stored = new Map<number, Stored>();
  readonly #ids = new Map<string, { readonly position: Position; readonly untilMs: number }>();
  readonly #members = new Map<
    string,
    { readonly entry: PresenceEntry; readonly untilMs: number }
  >();
  readonly #undelivered: Publication[] = [];
  #isDelivering = false;
  #lastOffset = 0;
  #bytes = 0;
  /** When nothing of what is here matters any more, unless it is used again. */
  #overAtMs: number;

  constructor(nowMs: number) {
    // A position may be given out before anything is published.
    this.#overAtMs = nowMs + MIN_LIFE_MS;
  }

  get hasListeners(): boolean {
    return this.#listeners.size > 0;
  }

  /** Whether the topic may be forgotten once it has no listeners. */
  isOver(nowMs: number): boolean {
    return nowMs >= this.#overAtMs;
  }

  publish(draft: PublicationDraft, retention: Retention, nowMs: number): PublishReceipt {
    this.#keepUntil(nowMs + Math.max(retention.ageMs, retention.idWindowMs));
    this.#forgetIds(nowMs);
    const known = this.#ids.get(draft.id);
    if (known !== undefined && known.untilMs > nowMs) {
      return { position: known.position, isDuplicate: true };
    }
    const position = { epoch: this.#epoch, offset: ++this.#lastOffset };
    const publication = { position, id: draft.id, data: draft.data };
    const bytes = draft.data.length;
    this.#stored.set(position.offset, { publication, bytes, storedAtMs: nowMs });
    this.#bytes += bytes;
    this.#trim(retention, nowMs);
    this.#ids.delete(draft.id);
    this.#ids.set(draft.id, { position, untilMs: nowMs + retention.idWindowMs });
    this.#deliver(publication);
    return { position, isDuplicate: false };
  }

  history({ since, limit }: HistoryQuery, retention: Retention, nowMs: number): BrokerPage {
    this.#keepUntil(nowMs + retention.ageMs);
    this.#trim(retention, nowMs);
    const position = { epoch: this.#epoch, offset: this.#lastOffset };
    const firstKept = this.#lastOffset - this.#stored.size + 1;
    const from =
      since === undefined
        ? Math.max(firstKept, this.#lastOffset - limit + 1)
        : Math.max(firstKept, since.offset + 1);
    const publications: Publication[] = [];
    for (let offset = from; offset <= this.#lastOffset && publications.length < limit; offset++) {
      publications.push(this.#stored.get(offset)!.publication);
    }
    return { position, publications };
  }

  subscribe(listener: BrokerListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  enter(entry: PresenceEntry, ttlMs: number, nowMs: number): void {
    this.#keepUntil(nowMs + ttlMs);
    const isNew = (this.#members.get(entry.key)?.untilMs ?? 0) <= nowMs;
    this.#members.set(entry.key, { entry, untilMs: nowMs + ttlMs });
    if (isNew) this.#tellPresence();
  }

  leave(key: string): void {
    if (this.#members.delete(key)) this.#tellPresence();
  }

  members(nowMs: number): readonly PresenceEntry[] {
    for (const [key, { untilMs }] of this.#members) {
      if (untilMs <= nowMs) this.#members.delete(key);
    }
    return Array.from(this.#members.values(), ({ entry }) => entry);
  }

  #keepUntil(atMs: number): void {
    this.#overAtMs = Math.max(this.#overAtMs, atMs);
  }

  #trim(retention: Retention, nowMs: number): void {
    for (const [offset, { bytes, storedAtMs }] of this.#stored) {
      const isLatest = offset === this.#lastOffset;
      const isTooOld = nowMs - storedAtMs >= retention.ageMs;
      const isTooMuch = this.#bytes > retention.bytes && !isLatest;
      if (!isTooOld && !isTooMuch && this.#stored.size <= retention.size) return;
      this.#stored.delete(offset);
      this.#bytes -= bytes;
    }
  }

  /** In the order in which they came: an id with a longer window hides shorter ones behind it. */
  #forgetIds(nowMs: number): void {
    for (const [id, { untilMs }] of this.#ids) {
      if (untilMs > nowMs) return;
      this.#ids.delete(id);
    }
  }

  /** What a listener publishes meanwhile waits: all listeners hear the same order. */
  #deliver(publication: Publication): void {
    this.#undelivered.push(publication);
    if (this.#isDelivering) return;
    this.#isDelivering = true;
    for (let next = this.#undelivered.shift(); next; next = this.#undelivered.shift()) {
      for (const listener of this.#listeners) listener.onPublication(next);
    }
    this.#isDelivering = false;
  }

  #tellPresence(): void {
    for (const listener of this.#listeners) listener.onPresenceChange();
  }
}

const MIN_LIFE_MS = 60_000;
