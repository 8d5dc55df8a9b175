import type { ProtocolEnvironment } from "./protocol-environment.ts";

const BATCH = 1024;

/** The keys with which a client masks its frames (RFC 6455 5.3). */
export interface MaskingKeySource {
  /** Returns the key of the next frame. */
  next(): number;
}

/**
 * Masking keys from a cryptographically strong source (RFC 6455 5.3, 10.3). They are generated in batches,
 * because a call of the source for each frame would cost more than the frame.
 */
export class MaskingKeys implements MaskingKeySource {
  readonly #environment: Pick<ProtocolEnvironment, "fillRandom">;
  /** The current batch; undefined before the first key, which a server never needs. */
  #keys: Int32Array | undefined;
  #used = BATCH;

  constructor(environment: Pick<ProtocolEnvironment, "fillRandom">) {
    this.#environment = environment;
  }

  /** Returns a key that was not returned before. */
  next(): number {
    const keys = (this.#keys ??= new Int32Array(BATCH));
    if (this.#used === BATCH) {
      this.#environment.fillRandom(new Uint8Array(keys.buffer));
      this.#used = 0;
    }
    const key = keys[this.#used];
    keys[this.#used++] = 0;
    return key;
  }
}
