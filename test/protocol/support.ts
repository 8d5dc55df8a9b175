import { createHash, randomFillSync } from "node:crypto";
import type { ProtocolError } from "../../src/errors/index.ts";
import { type ClosingRecord, Endpoint, type EndpointOptions } from "../../src/protocol/endpoint.ts";
import type { EndpointEnvironment } from "../../src/protocol/endpoint-environment.ts";
import { type BufferPool, OutputBuffer } from "../../src/protocol/output-buffer.ts";
import { withSharedBuffers } from "../../src/protocol/endpoint-environment.ts";

/**
 * An environment without the fast paths of Node, so that the protocol is tested on plain typed
 * arrays.
 */
export const plainEnvironment: EndpointEnvironment = withSharedBuffers({
  maxTextBytes: 0x1000_0000,
  allocate: (byteLength) => new Uint8Array(byteLength).fill(0xee),
  allocatePool: (byteLength) => new ArrayBuffer(byteLength),
  isAscii: (bytes, start, end) => bytes.subarray(start, end).every((byte) => byte < 0x80),
  decodeAscii: (bytes, start, end) => latin1Decoder.decode(bytes.subarray(start, end)),
  decodeUtf8: (bytes, start, end) => strictDecoder.decode(bytes.subarray(start, end)),
  isUtf8: (bytes, start, end) => {
    try {
      strictDecoder.decode(bytes.subarray(start, end));
      return true;
    } catch {
      return false;
    }
  },
  utf8Length: (text) => encoder.encode(text).length,
  encodeUtf8: (text, target, offset) => encoder.encodeInto(text, target.subarray(offset)).written,
  fillRandom: (bytes) => void randomFillSync(bytes),
  sha1Base64: (ascii) => createHash("sha1").update(ascii).digest("base64"),
});

const encoder = new TextEncoder();
const latin1Decoder = new TextDecoder("latin1");
const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Returns buffers of exactly the requested size, to detect writes beyond the reserved size. */
export const exactPool: BufferPool = {
  take: (minBytes) => new Uint8Array(minBytes),
  give: () => {},
};

export type Role = "client" | "server";
export const ROLES = ["client", "server"] as const;

/** The events of an endpoint, in order. */
export type EndpointEvent =
  | { text: string }
  | { binary: string }
  | { ping: string }
  | { pong: string }
  | { end: Omit<ClosingRecord, "error">; violation?: string };

export interface Probe {
  readonly endpoint: Endpoint;
  readonly events: EndpointEvent[];
  readonly output: OutputBuffer;
  /** The frames written since the last call, unmasked, in hex. */
  readonly written: () => string;
  /** Takes frames as an unmasked hex string and receives them as from the role's peer. */
  readonly receive: (...frames: string[]) => void;
}

/** An endpoint with recorded events and readable output. */
export function probe(
  role: Role,
  options: Partial<EndpointOptions> = {},
  environment: EndpointEnvironment = plainEnvironment,
): Probe {
  const events: EndpointEvent[] = [];
  const output = new OutputBuffer(exactPool);
  const endpoint = new Endpoint({ role, ...options }, environment, output, {
    onText: (text) => events.push({ text }),
    onBinary: (bytes) => events.push({ binary: toHex(bytes) }),
    onPing: (payload) => events.push({ ping: toHex(payload) }),
    onPong: (payload) => events.push({ pong: toHex(payload) }),
    onFinish: ({ error, ...end }) =>
      events.push(error === undefined ? { end } : { end, violation: describe(error) }),
  });
  return {
    endpoint,
    events,
    output,
    written() {
      const length = output.length;
      const bytes = output.detach().subarray(0, length);
      return toHex(role === "client" ? withoutMasks(bytes) : bytes);
    },
    receive(...frames) {
      for (const hex of frames)
        lend(asPeerOf(role, fromHex(hex)), (bytes) => endpoint.receive(bytes));
    },
  };
}

/** Lends bytes for one call and overwrites them afterwards. */
export function lend(bytes: Uint8Array, borrow: (bytes: Uint8Array) => void): void {
  borrow(bytes);
  bytes.fill(0xaa);
}

function describe(error: ProtocolError): string {
  return `${error.closeCode} ${error.code}`;
}

export function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex.replaceAll(/\s/g, ""), "hex"));
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

export function hexOf(text: string): string {
  return Buffer.from(text).toString("hex");
}

/** One unmasked frame in hex; `first` is its first byte in hex. */
export function frame(first: string, payloadHex: string): string {
  const length = payloadHex.length / 2;
  const hex = (value: number | bigint, digits: number): string =>
    value.toString(16).padStart(digits, "0");
  if (length < 126) return first + hex(length, 2) + payloadHex;
  if (length < 65_536) return `${first}7e${hex(length, 4)}${payloadHex}`;
  return `${first}7f${hex(length, 16)}${payloadHex}`;
}

/** Frames as the peer of `role` sends them: masked if that peer is a client. */
export function asPeerOf(role: Role, frames: Uint8Array): Uint8Array {
  return role === "server" ? withMasks(frames) : frames;
}

const MASK = [0x37, 0xfa, 0x21, 0x3d] as const;

/** Masks each unmasked frame. A truncated header keeps its mask bit set. */
function withMasks(frames: Uint8Array): Uint8Array {
  const out: number[] = [];
  let at = 0;
  while (at < frames.length) {
    const second = frames[at + 1] ?? 0;
    const extended = (second & 0x7f) === 126 ? 2 : (second & 0x7f) === 127 ? 8 : 0;
    const lengthEnd = at + 2 + extended;
    let length = second & 0x7f;
    if (extended > 0) {
      length = Number(BigInt(`0x${toHex(frames.subarray(at + 2, lengthEnd))}`));
    }
    out.push(frames[at], second | 0x80, ...frames.subarray(at + 2, lengthEnd), ...MASK);
    const payload = frames.subarray(lengthEnd, lengthEnd + length);
    payload.forEach((byte, index) => out.push(byte ^ MASK[index & 3]));
    at = lengthEnd + length;
  }
  return Uint8Array.from(out);
}

/** Unmasks each frame and checks that it has a mask. */
export function withoutMasks(frames: Uint8Array): Uint8Array {
  const out: number[] = [];
  let at = 0;
  while (at < frames.length) {
    const second = frames[at + 1];
    if ((second & 0x80) === 0) throw new Error("a frame of a client is not masked");
    const short = second & 0x7f;
    const extended = short === 126 ? 2 : short === 127 ? 8 : 0;
    const lengthEnd = at + 2 + extended;
    const length =
      extended === 0 ? short : Number(BigInt(`0x${toHex(frames.subarray(at + 2, lengthEnd))}`));
    const key = frames.subarray(lengthEnd, lengthEnd + 4);
    const start = lengthEnd + 4;
    out.push(frames[at], short, ...frames.subarray(at + 2, lengthEnd));
    for (let index = 0; index < length; index++) out.push(frames[start + index] ^ key[index & 3]);
    at = start + length;
  }
  return Uint8Array.from(out);
}
