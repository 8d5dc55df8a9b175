import type { ProtocolEnvironment } from "./protocol-environment.ts";

const BATCH = 1024;

/**
 * Masking keys from a cryptographically strong source (RFC 6455 5.3, 10.3), drawn in batches: a
 * call into the source for each frame would cost more than the frame.
 */
export class MaskingKeys {
  static readonly #byEnvironment = new WeakMap<ProtocolEnvironment, MaskingKeys>();
  readonly #environment: ProtocolEnvironment;
  readonly #keys = new Int32Array(BATCH);
  #used = BATCH;

  private constructor(environment: ProtocolEnvironment) {
    this.#environment = environment;
  }

  /** The keys that all connections of an environment draw from. */
  static of(environment: ProtocolEnvironment): MaskingKeys {
    let keys = this.#byEnvironment.get(environment);
    if (keys === undefined) {
      keys = new MaskingKeys(environment);
      this.#byEnvironment.set(environment, keys);
    }
    return keys;
  }

  /** A key that has not been handed out before. */
  next(): number {
    if (this.#used === BATCH) {
      this.#environment.fillRandom(new Uint8Array(this.#keys.buffer));
      this.#used = 0;
    }
    const key = this.#keys[this.#used];
    this.#keys[this.#used++] = 0;
    return key;
  }
}
