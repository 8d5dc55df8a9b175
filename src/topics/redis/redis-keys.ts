/**
 * The names of the broker's keys and channels in Redis. All names of a topic have the topic as their hash
 * tag, so a cluster keeps them on one master.
 */
export class RedisKeys {
  readonly #prefix: string;

  /** @param prefix the prefix of all names, without braces */
  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** The hash with the epoch and the last offset, and the stream with the publications. */
  log(topic: string): readonly [meta: string, log: string] {
    return [this.#key(topic, "meta"), this.#key(topic, "log")];
  }

  /** The key that remembers the id of a publication. */
  id(topic: string, id: string): string {
    return this.#key(topic, `id:${id}`);
  }

  /** The sorted set of presence keys by their expiry time, and the hash with their values. */
  presence(topic: string): readonly [ends: string, values: string] {
    return [this.#key(topic, "ends"), this.#key(topic, "values")];
  }

  /** The channel of publications and presence changes. */
  channel(topic: string): string {
    return this.#key(topic, "live");
  }

  /** Encodes the topic, because its name may contain braces and control characters. */
  #key(topic: string, name: string): string {
    return `${this.#prefix}{${encodeURIComponent(topic)}}:${name}`;
  }
}
