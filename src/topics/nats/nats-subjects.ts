/** The subject with the messages that a stream stores, and the subject on which NATS republishes them. */
export interface StreamSubjects {
  readonly subject: string;
  readonly republishTo: string;
}

/** The subjects to which a server listens for a topic. */
export interface LiveSubjects {
  /** The subject of publications. */
  readonly publications: string;
  /** The subjects of presence entries. */
  readonly presence: string;
  /** The subject of volatile messages. */
  readonly messages: string;
}

/**
 * The subjects of a broker. Servers publish to `log` and `here`, which NATS stores in streams. They listen to
 * `live` and `presence`, on which NATS republishes the stored messages, and to `sent`, which NATS does not store.
 */
export class NatsSubjects {
  readonly #prefix: string;

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** All publications: PREFIX.log.TOPIC. */
  get logStream(): StreamSubjects {
    return {
      subject: `${this.#prefix}.log.*`,
      republishTo: `${this.#prefix}.live.{{wildcard(1)}}`,
    };
  }

  /** All presence entries: PREFIX.here.TOPIC.KEY. */
  get presenceStream(): StreamSubjects {
    return {
      subject: `${this.#prefix}.here.*.*`,
      republishTo: `${this.#prefix}.presence.{{wildcard(1)}}.{{wildcard(2)}}`,
    };
  }

  /** The publications of a topic. */
  log(topic: string): string {
    return this.#subject("log", topic);
  }

  /** The prefix of the subjects of a topic's presence entries. */
  entries(topic: string): string {
    return this.#subject("here", topic);
  }

  /** One presence entry of a topic. */
  entry(topic: string, key: string): string {
    return `${this.entries(topic)}.${key}`;
  }

  /** Returns the subjects to which a server listens if it has listeners of a topic. */
  live(topic: string): LiveSubjects {
    return {
      publications: this.#subject("live", topic),
      presence: `${this.#subject("presence", topic)}.*`,
      messages: this.#subject("sent", topic),
    };
  }

  #subject(kind: "log" | "live" | "here" | "presence" | "sent", topic: string): string {
    return `${this.#prefix}.${kind}.${tokenOf(topic)}`;
  }
}

/**
 * Returns the ID of a publication's message. It includes the topic, because NATS remembers IDs for the whole
 * stream.
 */
export function messageIdOf(topic: string, id: string): string {
  return `${tokenOf(topic)}:${tokenOf(id)}`;
}

/** Encodes a text as one token of a subject, which must not contain dots, asterisks or spaces. */
function tokenOf(text: string): string {
  return encodeURIComponent(text).replace(/[.*]/g, (character) =>
    character === "." ? "%2E" : "%2A",
  );
}
