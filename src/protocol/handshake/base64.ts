const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/**
 * Encodes `bytes` in base64 with padding (RFC 4648 4). Meant for a few bytes, because it is not optimized.
 */
export function encodeBase64(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += 3) {
    const count = Math.min(3, bytes.length - i);
    const bits = (bytes[i] << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    text += ALPHABET[bits >> 18] + ALPHABET[(bits >> 12) & 63];
    text += count > 1 ? ALPHABET[(bits >> 6) & 63] : "=";
    text += count > 2 ? ALPHABET[bits & 63] : "=";
  }
  return text;
}
