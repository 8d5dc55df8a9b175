/**
 * A second implementation of RFC 6455 5 to 8 for comparison: whole input in, list of events out,
 * one rule after another as in the RFC, without regard to speed.
 */

export interface ReadingRules {
  /** The end that reads (RFC 6455 5.1). */
  readonly role: "client" | "server";
  readonly maxMessageBytes: number;
  /** The maximum length of a compressed message (RFC 7692), or undefined without compression. */
  readonly maxCompressedBytes?: number;
  /** Whether this end has already sent its Close frame, so that data is discarded (1.4). */
  readonly isClosing?: boolean;
}

/** The events of a reader, payloads in hex. */
export type ModelEvent =
  | { text: string }
  | { binary: string }
  /** A message that must be inflated (RFC 7692 6.2). */
  | { compressed: string; isText: boolean }
  | { ping: string }
  | { pong: string }
  /** The peer's Close frame. Without a code it counts as 1005 (7.1.5). */
  | { close: number; reason: string }
  /** The connection must fail with this code (7.1.7). */
  | { failure: number };

/** The events in `bytes` until the end of the bytes or of the connection. */
export function readFrames(bytes: Uint8Array, rules: ReadingRules): ModelEvent[] {
  const events: ModelEvent[] = [];
  let message: Message | undefined;
  let emptyFragments = 0;
  let at = 0;
  for (;;) {
    const frame = readHeader(bytes, at, rules, message);
    if (frame === "incomplete") return events;
    if (typeof frame === "number") return [...events, { failure: frame }];
    const { opcode, isFinal, isCompressed, start, payloadBytes, key } = frame;
    const payload = unmask([...bytes.subarray(start, start + payloadBytes)], key);
    const isComplete = payload.length === payloadBytes;
    at = start + payloadBytes;

    if (opcode >= 8) {
      if (!isComplete) return events;
      const event = readControl(opcode, payload);
      events.push(event);
      if ("close" in event || "failure" in event) return events;
      continue;
    }
    message ??= { isText: opcode === 1, isCompressed, payload: [] };
    message.payload.push(...payload);
    const isWhole = isComplete && isFinal;
    // 8.1: text that can no longer become UTF-8 fails the connection.
    if (message.isText && !message.isCompressed && !isUtf8(message.payload, isWhole)) {
      return [...events, { failure: 1007 }];
    }
    if (!isComplete) return events;
    // 10.4: a limit of this implementation.
    emptyFragments = payloadBytes === 0 && !isFinal ? emptyFragments + 1 : 0;
    if (emptyFragments > 1_024) return [...events, { failure: 1008 }];
    if (isFinal) {
      if (rules.isClosing !== true) events.push(toEvent(message));
      message = undefined;
    }
  }
}

interface Message {
  readonly isText: boolean;
  readonly isCompressed: boolean;
  readonly payload: number[];
}

interface Header {
  readonly isCompressed: boolean;
  readonly opcode: number;
  readonly isFinal: boolean;
  readonly start: number;
  readonly payloadBytes: number;
  readonly key: readonly number[];
}

/** 5.2. A number is the code to fail with. */
function readHeader(
  bytes: Uint8Array,
  at: number,
  { role, maxMessageBytes, maxCompressedBytes }: ReadingRules,
  message: Message | undefined,
): Header | "incomplete" | number {
  if (bytes.length < at + 2) return "incomplete";
  const bits = [...bytes.subarray(at, at + 2)].map((byte) => byte.toString(2).padStart(8, "0"));
  const [fin, reserved, opcode] = [
    bits[0][0],
    bits[0].slice(1, 4),
    Number.parseInt(bits[0].slice(4), 2),
  ];
  const [isMasked, length] = [bits[1][0] === "1", Number.parseInt(bits[1].slice(1), 2)];

  // RFC 7692 6: RSV1 marks only the first frame of a compressed message.
  const mayBeCompressed = maxCompressedBytes !== undefined && (opcode === 1 || opcode === 2);
  if (reserved !== "000" && !(reserved === "100" && mayBeCompressed)) return 1002;
  const isCompressed = message?.isCompressed ?? reserved === "100";
  // 5.1: a client masks its frames, a server does not.
  if (isMasked !== (role === "server")) return 1002;
  if (![0, 1, 2, 8, 9, 10].includes(opcode)) return 1002;
  // 5.5: control frames are not fragmented and have at most 125 bytes.
  if (opcode >= 8 && (fin === "0" || length > 125)) return 1002;
  // 5.5.1: the body of a Close frame begins with a code of two bytes.
  if (opcode === 8 && length === 1) return 1002;
  // 5.4: a continuation follows a fragment, and no other message begins within a message.
  if (opcode === 0 && message === undefined) return 1002;
  if ((opcode === 1 || opcode === 2) && message !== undefined) return 1002;

  const lengthBytes = length === 126 ? 2 : length === 127 ? 8 : 0;
  const start = at + 2 + lengthBytes + (isMasked ? 4 : 0);
  if (bytes.length < start) return "incomplete";
  let payloadBytes = BigInt(length);
  if (lengthBytes > 0) {
    payloadBytes = BigInt(`0x${toHex(bytes.subarray(at + 2, at + 2 + lengthBytes))}`);
    // 5.2: the shortest form, with the most significant bit clear.
    if (payloadBytes < (lengthBytes === 2 ? 126n : 65_536n)) return 1002;
    if (payloadBytes >= 1n << 63n) return 1002;
  }
  const limit = isCompressed ? maxCompressedBytes! : maxMessageBytes;
  if (opcode < 8 && payloadBytes + BigInt(message?.payload.length ?? 0) > limit) return 1009;
  const key = isMasked ? [...bytes.subarray(start - 4, start)] : [0, 0, 0, 0];
  return {
    opcode,
    isFinal: fin === "1",
    isCompressed,
    start,
    payloadBytes: Number(payloadBytes),
    key,
  };
}

/** 5.3: transformed-octet-i = original-octet-i XOR masking-key-octet-(i MOD 4). */
function unmask(payload: readonly number[], key: readonly number[]): number[] {
  return payload.map((octet, i) => octet ^ key[i % 4]);
}

function readControl(opcode: number, payload: readonly number[]): ModelEvent {
  if (opcode === 9) return { ping: toHex(payload) };
  if (opcode === 10) return { pong: toHex(payload) };
  if (payload.length === 0) return { close: 1005, reason: "" };
  const close = payload[0] * 256 + payload[1];
  // 7.4: defined codes that may be sent, from 7.4.1 and IANA's registry, and codes for libraries
  // and applications.
  const defined = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014];
  if (!defined.includes(close) && !(close >= 3000 && close < 5000)) return { failure: 1002 };
  const reason = payload.slice(2);
  return isUtf8(reason, true) ? { close, reason: decode(reason) } : { failure: 1007 };
}

function toEvent({ isText, isCompressed, payload }: Message): ModelEvent {
  if (isCompressed) return { compressed: toHex(payload), isText };
  return isText ? { text: decode(payload) } : { binary: toHex(payload) };
}

/** Whether `bytes` is UTF-8 or, if it may be incomplete, can become UTF-8. */
function isUtf8(bytes: readonly number[], isWhole: boolean): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(bytes), { stream: !isWhole });
    return true;
  } catch {
    return false;
  }
}

function decode(bytes: readonly number[]): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(Uint8Array.from(bytes));
}

function toHex(bytes: Iterable<number>): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
