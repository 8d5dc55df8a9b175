import { randomBytes } from "node:crypto";

/** The opening handshake of the load client; its key is the one of RFC 6455 1.3. */
export function upgradeRequest(port: number): string {
  return [
    "GET / HTTP/1.1",
    `Host: 127.0.0.1:${port}`,
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
    "",
    "",
  ].join("\r\n");
}

/** A masked client frame around `payload` (RFC 6455 5.2). */
export function maskedFrame(opcode: number, payload: Buffer): Buffer {
  const key = randomBytes(4);
  const masked = payload.map((byte, index) => byte ^ key[index & 3]);
  return Buffer.concat([frameHeader(opcode, payload.length, 0x80), key, masked]);
}

/** The bytes of the unmasked frame that a server makes of a payload of that length. */
export function serverFrameBytes(payloadBytes: number): number {
  return frameHeader(0, payloadBytes, 0).length + payloadBytes;
}

/** A payload that no two messages share: random bytes, or printable ASCII. */
export function randomPayload(opcode: "text" | "binary", byteLength: number): Buffer {
  const bytes = randomBytes(byteLength);
  return opcode === "binary" ? bytes : Buffer.from(bytes.map((byte) => 32 + (byte % 95)));
}

function frameHeader(opcode: number, length: number, maskBit: number): Buffer {
  const first = 0x80 | opcode;
  if (length < 126) return Buffer.from([first, maskBit | length]);
  if (length < 65_536) return Buffer.from([first, maskBit | 126, length >> 8, length & 0xff]);
  const header = Buffer.from([first, maskBit | 127, 0, 0, 0, 0, 0, 0, 0, 0]);
  header.writeUInt32BE(length, 6);
  return header;
}
