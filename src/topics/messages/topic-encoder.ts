import { UsageError } from "../../errors/index.ts";
import { isRecord } from "../../errors/record.ts";
import type { Publication, TopicData } from "../broker/publication.ts";
import type { Content, Encoded, Prepared } from "./recent-publications.ts";
import type { EncodeTopicMessage, TopicMessage } from "./topic-message.ts";
import type { SharedMessage } from "./topic-socket.ts";
import type { TopicsEnvironment } from "./topics-environment.ts";

const FAILED = Symbol("the encoder threw, or returned an invalid value");

/** Encodes the messages of one topic, and reports errors of the application's `encode`. */
export class TopicEncoder {
  readonly encode: EncodeTopicMessage;
  readonly #topic: string;
  readonly #environment: TopicsEnvironment;

  constructor(topic: string, encode: EncodeTopicMessage, environment: TopicsEnvironment) {
    this.encode = encode;
    this.#topic = topic;
    this.#environment = environment;
  }

  /** Encodes a publication once for all subscribers. Returns undefined if `encode` fails. */
  prepare(publication: Publication): Encoded | undefined {
    const content = this.#encode({ type: "publication", topic: this.#topic, publication });
    if (content === FAILED) return undefined;
    return {
      position: publication.position,
      content: this.#share(content),
      encode: this.encode,
    };
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
  encodeNotice(message: TopicMessage): Content | undefined {
    const content = this.#encode(message);
    return content === FAILED ? undefined : content;
  }

  /** Encodes a notice for many sockets. Returns undefined if `encode` leaves it out, or fails. */
  prepareNotice(message: TopicMessage): Content | undefined {
    return this.#share(this.encodeNotice(message));
  }

  #share(content: Content | undefined): Content | undefined {
    return isTopicData(content) ? this.#environment.share(content) : content;
  }

  #encode(message: TopicMessage): Content | undefined | typeof FAILED {
    try {
      const content: unknown = this.encode(message);
      if (content === undefined || isTopicData(content) || isSharedMessage(content)) return content;
      throw new UsageError(
        "INVALID_DATA",
        `encode returned a value of type ${typeof content}; return a string, a Uint8Array, a SharedMessage or undefined`,
      );
    } catch (error) {
      this.#environment.report(error, this.#topic);
      return FAILED;
    }
  }
}

function isTopicData(content: unknown): content is TopicData {
  return typeof content === "string" || content instanceof Uint8Array;
}

function isSharedMessage(content: unknown): content is SharedMessage {
  return isRecord(content) && isTopicData((content as Partial<SharedMessage>).data);
}
