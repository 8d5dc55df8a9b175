import type { Position } from "./position.ts";
import type { TopicData } from "./publication.ts";
import type { SharedMessage } from "./topic-socket.ts";

/** A message for a socket. */
export type Content = TopicData | SharedMessage;

/** An encoded publication. Without content, subscribers get no message for it. */
export interface Prepared {
  readonly position: Position;
  readonly content: Content | undefined;
}

/** The limits for the publications of one topic that this server keeps in memory, besides the broker. */
const MAX_PUBLICATIONS = 1_024;
const MAX_BYTES = 1_048_576;

/**
 * The latest publications of one epoch, encoded and without gaps. Subscribers that reconnect or read slowly
 * get publications from here. Only older ones are read from the broker.
 */
export class RecentPublications {
  readonly #byOffset = new Map<number, Prepared>();
  #bytes = 0;

  get(offset: number): Prepared | undefined {
    return this.#byOffset.get(offset);
  }

  /** Adds the next publication, and evicts the oldest publications beyond the limits. */
  add(prepared: Prepared): void {
    this.#byOffset.set(prepared.position.offset, prepared);
    this.#bytes += lengthOf(prepared);
    for (const [offset, oldest] of this.#byOffset) {
      if (this.#bytes <= MAX_BYTES && this.#byOffset.size <= MAX_PUBLICATIONS) return;
      this.#byOffset.delete(offset);
      this.#bytes -= lengthOf(oldest);
    }
  }

  clear(): void {
    this.#byOffset.clear();
    this.#bytes = 0;
  }
}

function lengthOf({ content = "" }: Prepared): number {
  const isPlain = typeof content === "string" || content instanceof Uint8Array;
  return isPlain ? content.length : content.data.length;
}
