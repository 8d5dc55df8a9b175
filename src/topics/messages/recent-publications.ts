import type { Position } from "../broker/position.ts";
import type { Publication, TopicData } from "../broker/publication.ts";
import type { TopicEncoder } from "./topic-encoder.ts";
import type { EncodeTopicMessage } from "./topic-message.ts";
import type { SharedMessage } from "./topic-socket.ts";

/** A message for a socket. */
export type Content = TopicData | SharedMessage;

/** An encoded publication. If its content is undefined, subscribers get no message for it. */
export interface Prepared {
  readonly position: Position;
  readonly content: Content | undefined;
}

/** An encoded publication, with the function that encoded it. */
export interface Encoded extends Prepared {
  readonly encode: EncodeTopicMessage;
}

/** A publication in memory, with its message from each encoder that has encoded it. */
export interface RecentPublication {
  readonly publication: Publication;
  readonly encoded: Encoded[];
}

/**
 * The limits for the publications of one topic that this server keeps in memory, in addition to the broker.
 */
const MAX_PUBLICATIONS = 1_024;
const MAX_BYTES = 1_048_576;

/** The number of bytes by which an encoded publication counts in addition to its content. */
const ENCODED_BYTES = 64;

/**
 * The latest publications of one epoch, without gaps, with the messages that were encoded for subscribers.
 * Subscribers that reconnect or read slowly get publications from here. Only older publications are read from
 * the broker.
 */
export class RecentPublications {
  readonly #byOffset = new Map<number, RecentPublication>();
  #bytes = 0;

  /** The number of publications in memory, which are the latest of the topic. */
  get size(): number {
    return this.#byOffset.size;
  }

  get(offset: number): RecentPublication | undefined {
    return this.#byOffset.get(offset);
  }

  /** Adds the next publication, and evicts the oldest publications beyond the limits. */
  add(publication: Publication): RecentPublication {
    const recent = { publication, encoded: [] };
    this.#insert(recent);
    return recent;
  }

  /** Adds the publications before the first one. Evicts the oldest publications beyond the limits. */
  prepend(publications: readonly Publication[]): void {
    const later = [...this.#byOffset.values()];
    this.clear();
    for (const publication of publications) this.add(publication);
    for (const recent of later) this.#insert(recent);
  }

  /** Encodes a publication, unless `encoder` has encoded it before. Returns undefined if `encode` fails. */
  prepare(recent: RecentPublication, encoder: TopicEncoder): Prepared | undefined {
    const known = recent.encoded.find(({ encode }) => encode === encoder.encode);
    if (known !== undefined) return known;
    const encoded = encoder.prepare(recent.publication);
    if (encoded === undefined) return undefined;
    recent.encoded.push(encoded);
    this.#count(bytesOf(encoded));
    return encoded;
  }

  clear(): void {
    this.#byOffset.clear();
    this.#bytes = 0;
  }

  #insert(recent: RecentPublication): void {
    const { publication, encoded } = recent;
    this.#byOffset.set(publication.position.offset, recent);
    const bytes = encoded.reduce((sum, one) => sum + bytesOf(one), publication.data.length);
    this.#count(bytes);
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    for (const [offset, { publication, encoded }] of this.#byOffset) {
      if (this.#bytes <= MAX_BYTES && this.#byOffset.size <= MAX_PUBLICATIONS) return;
      this.#byOffset.delete(offset);
      this.#bytes -= publication.data.length;
      for (const one of encoded) this.#bytes -= bytesOf(one);
    }
  }
}

function bytesOf({ content = "" }: Prepared): number {
  const isPlain = typeof content === "string" || content instanceof Uint8Array;
  return ENCODED_BYTES + (isPlain ? content.length : content.data.length);
}
