import type { MaskingKeySource } from "../protocol/masking-keys.ts";

/** Returns the keys that the option `generateMask` generates. */
export function maskingKeysOf(generateMask: (mask: Buffer) => void): MaskingKeySource {
  const mask = Buffer.alloc(4);
  return {
    next() {
      generateMask(mask);
      return mask.readInt32BE();
    },
  };
}
