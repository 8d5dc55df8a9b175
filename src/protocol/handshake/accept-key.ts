import type { ProtocolEnvironment } from "../protocol-environment.ts";
import { encodeBase64 } from "./base64.ts";

/** RFC 6455 1.3: the string that a server appends to the key, to show that it supports this protocol. */
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** RFC 6455 4.1: the nonce has 16 bytes. */
const KEY_BYTES = 16;

// 16 bytes are 22 characters and two characters of padding. The four unused bits of the last character are
// not checked. RFC 4648 3.5 leaves that check to the decoder, and some clients set these bits.
const KEY = /^[A-Za-z0-9+/]{22}==$/;

/** Whether `text` is a `Sec-WebSocket-Key`: 16 bytes in base64 (RFC 6455 4.2.1, item 5). */
export function isKey(text: string): boolean {
  return KEY.test(text);
}

/** Generates a `Sec-WebSocket-Key`: 16 random bytes in base64 (RFC 6455 4.1, item 7). */
export function generateKey(environment: Pick<ProtocolEnvironment, "fillRandom">): string {
  const nonce = new Uint8Array(KEY_BYTES);
  environment.fillRandom(nonce);
  return encodeBase64(nonce);
}

/** Computes the `Sec-WebSocket-Accept` for `key` (RFC 6455 4.2.2, item 5.4). */
export function computeAcceptKey(
  key: string,
  environment: Pick<ProtocolEnvironment, "sha1Base64">,
): string {
  return environment.sha1Base64(key + GUID);
}
