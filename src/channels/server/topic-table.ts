import { UsageError } from "../../errors/index.ts";
import { quote } from "../../errors/quote.ts";
import { prepare } from "../../server/send-data.ts";
import type { PreparedMessage } from "../../protocol/prepared-message.ts";
import {
  formatPosition,
  type SharedMessage,
  type Topic,
  type TopicData,
  type TopicMessage,
  type Topics,
} from "../../topics/index.ts";
import { encodeFrame } from "../wire/frames.ts";
import type { CompiledTopic } from "./compile.ts";

/** A publication as all subscribers of this server get it: encoded once, and compressed and framed once. */
export class SharedPublication implements SharedMessage {
  readonly data: TopicData;
  readonly prepared: PreparedMessage;
  /** The number of bytes in UTF-8, which the credit of each subscription pays for. */
  readonly byteLength: number;

  constructor(data: TopicData) {
    this.data = data;
    this.prepared = prepare(data);
    this.byteLength = typeof data === "string" ? utf8Length(data) : data.byteLength;
  }
}

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

  /** Encodes the messages of the topic for all subscribers. Only publications and losses are sent. */
  readonly encode = (message: TopicMessage): SharedPublication | string | undefined => {
    if (message.type === "publication") return this.encodeData(message.publication.data);
    if (message.type !== "lost") return undefined;
    const { type, topic, position, reason } = message;
    return JSON.stringify({ type, topic, position: formatPosition(position), reason });
  };

  /** Encodes the data of a publication. @throws UsageError `INVALID_DATA` if it is text that is not JSON */
  encodeData(data: TopicData): SharedPublication {
    if (typeof data === "string") {
      checkJson(this.name, data);
      return new SharedPublication(`[${this.number},${data}]`);
    }
    return new SharedPublication(encodeFrame([this.number], data));
  }
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

/** Code that does not use channels may publish any text to the topic, which a client could not parse. */
function checkJson(topic: string, text: string): void {
  try {
    JSON.parse(text);
  } catch (cause) {
    throw new UsageError(
      "INVALID_DATA",
      `a publication of the topic ${quote(topic)} is not JSON, so channels cannot deliver it; publish JSON, or bytes`,
      { cause },
    );
  }
}

function utf8Length(text: string): number {
  return encoder.encode(text).byteLength;
}

const encoder = new TextEncoder();
