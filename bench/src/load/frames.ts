import { randomBytes } from "node:crypto";
import { deflateRawSync, constants } from "node:zlib";
import type { MessageShape } from "./loads.ts";

interface HandshakeFields {
  readonly deflate?: MessageShape["deflate"];
  readonly path?: string;
  readonly subprotocol?: string;
}

/** The opening handshake of the load client, with the key of the example in RFC 6455 1.3. */
export function upgradeRequest(
  port: number,
  { deflate, path = "/", subprotocol }: HandshakeFields,
): string {
  return [
    `GET ${path} HTTP/1.1`,
    `Host: 127.0.0.1:${port}`,
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
    ...(subprotocol === undefined ? [] : [`Sec-WebSocket-Protocol: ${subprotocol}`]),
    ...(deflate === undefined ? [] : [`Sec-WebSocket-Extensions: ${OFFERS[deflate]}`]),
    "",
    "",
  ].join("\r\n");
}

const OFFERS = {
  "no takeover": "permessage-deflate; client_no_context_takeover; server_no_context_takeover",
  takeover: "permessage-deflate; client_max_window_bits",
} as const;

/** The first byte of a frame: FIN, RSV1 if it is compressed (RFC 7692 6), and the opcode. */
export function firstByteOf({ payload, deflate }: MessageShape): number {
  return 0x80 | (deflate === undefined ? 0 : 0x40) | (payload === "binary" ? 2 : 1);
}

/** Creates a masked client frame (RFC 6455 5.2). */
export function maskedFrame(firstByte: number, payload: Buffer): Buffer {
  const key = randomBytes(4);
  const masked = payload.map((byte, index) => byte ^ key[index & 3]);
  return Buffer.concat([frameHeader(firstByte, payload.length, 0x80), key, masked]);
}

/** Creates an unmasked server frame. */
export function serverFrame(firstByte: number, payload: Buffer): Buffer {
  return Buffer.concat([frameHeader(firstByte, payload.length, 0), payload]);
}

/** The size of an unmasked server frame with a payload of this size. */
export function serverFrameBytes(payloadBytes: number): number {
  return frameHeader(0, payloadBytes, 0).length + payloadBytes;
}

/** The payload of a frame: the message, compressed without context if `shape` has `deflate`. */
export function framePayload(shape: MessageShape, payload: Buffer): Buffer {
  if (shape.deflate === undefined) return payload;
  // RFC 7692 7.2.1: without the empty block at the end of the flush. A sender may always compress without
  // context, so each frame can be sent at any time.
  const flushed = deflateRawSync(payload, { finishFlush: constants.Z_SYNC_FLUSH });
  return flushed.subarray(0, -4);
}

function frameHeader(firstByte: number, length: number, maskBit: number): Buffer {
  if (length < 126) return Buffer.from([firstByte, maskBit | length]);
  if (length < 65_536) return Buffer.from([firstByte, maskBit | 126, length >> 8, length & 0xff]);
  const header = Buffer.from([firstByte, maskBit | 127, 0, 0, 0, 0, 0, 0, 0, 0]);
  header.writeUInt32BE(length, 6);
  return header;
}
