import type { RedisConnection } from "./redis-client.ts";

/** Runs scripts by their digests, which Redis knows from the second time on. */
export class RedisScripts {
  readonly #redis: RedisConnection;
  readonly #digests = new Map<string, Promise<string>>();

  constructor(redis: RedisConnection) {
    this.#redis = redis;
  }

  async run(script: string, keys: readonly string[], args: readonly string[]): Promise<unknown> {
    const digest = await this.#digestOf(script);
    const rest = [String(keys.length), ...keys, ...args];
    try {
      return await this.#redis.call("EVALSHA", digest, ...rest);
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith("NOSCRIPT")) throw error;
      return this.#redis.call("EVAL", script, ...rest);
    }
  }

  #digestOf(script: string): Promise<string> {
    const known = this.#digests.get(script);
    if (known !== undefined) return known;
    const digest = sha1(script);
    this.#digests.set(script, digest);
    return digest;
  }
}

async function sha1(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-1", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
