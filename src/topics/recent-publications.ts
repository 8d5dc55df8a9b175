import type { Position } from "./position.ts";
import type { TopicData } from "./publication.ts";
import type { SharedMessage } from "./topic-socket.ts";

/** What goes to a socket. */
export type Content = TopicData | SharedMessage;

/** A publication as it is sent; without content where it is not to be. */
export interface Prepared {
  readonly position: Position;
  readonly content: Content | undefined;
}

/** The bounds of what a node keeps of one topic beside the broker. */
const MAX_PUBLICATIONS = 1_024;
const MAX_BYTES = 1_048_576;

/**
 * The latest publications of one epoch, ready to be sent, without gaps: those who come back and
 * those who read slowly are served from here, and the broker is asked only for what is older.
 */
export class RecentPublications {
  readonly #byOffset = new Map<number, Prepared>();
  #bytes = 0;

  get(offset: number): Prepared | undefined {
    return this.#byOffset.get(offset);
  }

  /** Adds the one that follows the last one. */
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
