import { formatPosition, type Topic, type TopicMessage, type Topics } from "../../topics/index.ts";
import type { CompiledTopic } from "./compile.ts";
import { MemberHub } from "./member-hub.ts";
import { encodePublication, type SharedPublication } from "./shared-publication.ts";
import { VolatileFeed } from "./volatile-feed.ts";

/** A topic in use on this server, with its number. */
export class TopicEntry {
  readonly name: string;
  readonly params: Readonly<Record<string, string>>;
  readonly compiled: CompiledTopic;
  /** The number of the topic in publication frames, for all connections of this server. */
  readonly number: number;
  readonly topic: Topic;
  /** The number of subscriptions and requests that use the entry. */
  users = 0;
  #volatileFeed: VolatileFeed | undefined;
  #memberHub: MemberHub | undefined;

  constructor(
    name: string,
    params: Readonly<Record<string, string>>,
    compiled: CompiledTopic,
    number: number,
    topic: Topic,
  ) {
    this.name = name;
    this.params = params;
    this.compiled = compiled;
    this.number = number;
    this.topic = topic;
  }

  /** The connections that watch the members. */
  get memberHub(): MemberHub {
    this.#memberHub ??= new MemberHub(this.topic);
    return this.#memberHub;
  }

  /** The subscribers, if the topic is volatile. */
  get volatileFeed(): VolatileFeed {
    this.#volatileFeed ??= new VolatileFeed(this.topic, (data) =>
      encodePublication(this.number, this.name, data),
    );
    return this.#volatileFeed;
  }

  /** Encodes the messages of the topic for all subscribers. Only publications and losses are sent. */
  readonly encode = (message: TopicMessage): SharedPublication | string | undefined => {
    if (message.type === "publication") {
      return encodePublication(this.number, this.name, message.publication.data);
    }
    if (message.type !== "lost") return undefined;
    const { type, topic, position, reason } = message;
    return JSON.stringify({ type, topic, position: formatPosition(position), reason });
  };
}

/** The topics that this server uses, by name. Gives each a number, and forgets it when it is not in use. */
export class TopicTable {
  readonly #topics: Topics;
  readonly #compiled: readonly CompiledTopic[];
  readonly #entries = new Map<string, TopicEntry>();
  /** Numbers below `#nextNumber` that are not in use. */
  readonly #freeNumbers: number[] = [];
  #nextNumber = 0;

  constructor(topics: Topics, compiled: readonly CompiledTopic[]) {
    this.#topics = topics;
    this.#compiled = compiled;
  }

  /** The number of topics in use. */
  get size(): number {
    return this.#entries.size;
  }

  /** Returns the topic with a name, or undefined if no pattern matches it. Call `release` later. */
  acquire(name: string): TopicEntry | undefined {
    const entry = this.#entries.get(name) ?? this.#create(name);
    if (entry !== undefined) entry.users++;
    return entry;
  }

  release(entry: TopicEntry): void {
    entry.users--;
    if (entry.users > 0) return;
    this.#entries.delete(entry.name);
    this.#freeNumbers.push(entry.number);
  }

  #create(name: string): TopicEntry | undefined {
    for (const compiled of this.#compiled) {
      const params = compiled.pattern.match(name);
      if (params === undefined) continue;
      const number = this.#freeNumbers.pop() ?? this.#nextNumber++;
      const entry = new TopicEntry(name, params, compiled, number, this.#topics.topic(name));
      this.#entries.set(name, entry);
      return entry;
    }
    return undefined;
  }
}
