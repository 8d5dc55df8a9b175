import { UsageError } from "../errors/index.ts";
import type { Publication, TopicData } from "./publication.ts";
import type { Content, Prepared } from "./recent-publications.ts";
import type { EncodeTopicMessage, TopicMessage } from "./topic-message.ts";
import type { TopicsEnvironment } from "./topics-environment.ts";

const FAILED = Symbol("the encoder threw, or returned an invalid value");

/** Encodes the messages of one topic. Reports errors of the user's `encode`. */
export class TopicEncoder {
  readonly #topic: string;
  readonly #encodeMessage: EncodeTopicMessage;
  readonly #environment: TopicsEnvironment;

  constructor(topic: string, encode: EncodeTopicMessage, environment: TopicsEnvironment) {
    this.#topic = topic;
    this.#encodeMessage = encode;
    this.#environment = environment;
  }

  /** Encodes a publication once for all subscribers. Returns undefined if `encode` fails. */
  prepare(publication: Publication): Prepared | undefined {
    const content = this.#encode({ type: "publication", topic: this.#topic, publication });
    if (content === FAILED) return undefined;
    return { position: publication.position, content: this.#share(content) };
  }

  /** Encodes publications, up to the first failure of `encode`. */
  prepareAll(publications: readonly Publication[]): Prepared[] {
    const all: Prepared[] = [];
    for (const publication of publications) {
      const prepared = this.prepare(publication);
      if (prepared === undefined) break;
      all.push(prepared);
    }
    return all;
  }

  /** Encodes a notice for one socket. Returns undefined if `encode` leaves it out, or fails. */
  encodeNotice(message: TopicMessage): TopicData | undefined {
    const content = this.#encode(message);
    return content === FAILED ? undefined : content;
  }

  /** Encodes a notice for many sockets. Returns undefined if `encode` leaves it out, or fails. */
  prepareNotice(message: TopicMessage): Content | undefined {
    return this.#share(this.encodeNotice(message));
  }

  #share(content: TopicData | undefined): Content | undefined {
    return content === undefined ? undefined : this.#environment.share(content);
  }

  #encode(message: TopicMessage): TopicData | undefined | typeof FAILED {
    try {
      const content: unknown = this.#encodeMessage(message);
      if (content === undefined || typeof content === "string") return content;
      if (content instanceof Uint8Array) return content;
      throw new UsageError(
        "INVALID_DATA",
        `encode returned a value of type ${typeof content}; return a string, a Uint8Array or undefined`,
      );
    } catch (error) {
      this.#environment.report(error, this.#topic);
      return FAILED;
    }
  }
}
