import type { Platform } from "./platform.ts";

const BATCH = 1024;

/**
 * Masking keys from a cryptographically strong source (RFC 6455 5.3, 10.3), drawn in batches: a
 * call into the source for each frame would cost more than the frame.
 */
export class MaskingKeys {
  static readonly #byPlatform = new WeakMap<Platform, MaskingKeys>();
  readonly #platform: Platform;
  readonly #keys = new Int32Array(BATCH);
  #used = BATCH;

  private constructor(platform: Platform) {
    this.#platform = platform;
  }

  /** The keys that all connections of a platform draw from. */
  static of(platform: Platform): MaskingKeys {
    let keys = this.#byPlatform.get(platform);
    if (keys === undefined) {
      keys = new MaskingKeys(platform);
      this.#byPlatform.set(platform, keys);
    }
    return keys;
  }

  /** A key that has not been handed out before. */
  next(): number {
    if (this.#used === BATCH) {
      this.#platform.fillRandom(new Uint8Array(this.#keys.buffer));
      this.#used = 0;
    }
    const key = this.#keys[this.#used];
    this.#keys[this.#used++] = 0;
    return key;
  }
}
