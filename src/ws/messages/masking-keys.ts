import type { MaskingKeySource } from "../../protocol/masking-keys.ts";

/** Returns a source of masking keys that calls the option `generateMask`. */
export function maskingKeysOf(generateMask: (mask: Buffer) => void): MaskingKeySource {
  const mask = Buffer.alloc(4);
  return {
    next() {
      generateMask(mask);
      return mask.readInt32BE();
    },
  };
}
