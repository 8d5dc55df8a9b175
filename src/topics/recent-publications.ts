import type { Position } from "./position.ts";
import type { TopicData } from "./publication.ts";
import type { SharedMessage } from "./topic-socket.ts";

/** What is sent to a socket. */
export type Content = TopicData | SharedMessage;

/** A publication as it is sent. Without content, nothing is sent for it. */
export interface Prepared {
  readonly position: Position;
  readonly content: Content | undefined;
}

/** The most that this server keeps of one topic in memory, besides what the broker keeps. */
const MAX_PUBLICATIONS = 1_024;
const MAX_BYTES = 1_048_576;

/**
 * The latest publications of one epoch, ready to be sent, without gaps. Subscribers that return or read
 * slowly are served from here. The broker is asked only for older publications.
 */
export class RecentPublications {
  readonly #byOffset = new Map<number, Prepared>();
  #bytes = 0;

  get(offset: number): Prepared | undefined {
    return this.#byOffset.get(offset);
  }

  /** Adds the publication after the last one, and evicts the oldest ones beyond the limits. */
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
