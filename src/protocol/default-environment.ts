import { invalidOption } from "../errors/check-options.ts";
import { UsageError } from "../errors/index.ts";
import { type EndpointEnvironment, withSharedBuffers } from "./endpoint-environment.ts";
import { encodeBase64 } from "./handshake/base64.ts";
import type { ProtocolEnvironment } from "./protocol-environment.ts";
import { isRecord } from "../errors/record.ts";
import { sha1 } from "./sha1.ts";
import { Utf8Validator } from "./utf8.ts";

/** A string length, in UTF-16 units, that every JavaScript engine supports. */
const MAX_STRING_UNITS = 2 ** 28 - 16;

/** The maximum number of bytes that one call of `crypto.getRandomValues` fills. */
const MAX_RANDOM_BYTES = 65_536;

/** The arguments of a call are on the stack, so a long string needs several calls. */
const UNITS_PER_CALL = 4096;

const PLAIN_FUNCTIONS: ProtocolEnvironment = {
  maxTextBytes: MAX_STRING_UNITS,
  allocate: (byteLength) => new Uint8Array(byteLength),
  allocatePool: (byteLength) => new ArrayBuffer(byteLength),
  isAscii(bytes, start, end) {
    for (let at = start; at < end; at++) if (bytes[at] > 0x7f) return false;
    return true;
  },
  decodeAscii(bytes, start, end) {
    let text = "";
    for (let at = start; at < end; at += UNITS_PER_CALL) {
      text += String.fromCharCode(...bytes.subarray(at, Math.min(at + UNITS_PER_CALL, end)));
    }
    return text;
  },
  decodeUtf8,
  isUtf8(bytes, start, end) {
    const validator = new Utf8Validator();
    return validator.push(bytes, start, end) && validator.isComplete;
  },
  utf8Length(text) {
    let length = 0;
    for (const character of text) length += utf8LengthOf(character.codePointAt(0)!);
    return length;
  },
  encodeUtf8,
  fillRandom(bytes) {
    const { crypto } = globalThis as {
      readonly crypto?: { getRandomValues(bytes: Uint8Array): unknown };
    };
    if (crypto === undefined) {
      throw new UsageError(
        "NO_RANDOM_SOURCE",
        "this runtime has no crypto.getRandomValues; pass fillRandom to createProtocolEnvironment",
      );
    }
    for (let at = 0; at < bytes.length; at += MAX_RANDOM_BYTES) {
      crypto.getRandomValues(bytes.subarray(at, at + MAX_RANDOM_BYTES));
    }
  },
  sha1Base64: (ascii) => encodeBase64(sha1(ascii)),
};

/** The environment that is used by default. */
export const defaultEnvironment: EndpointEnvironment = withSharedBuffers(PLAIN_FUNCTIONS);

/**
 * Makes an environment in plain ECMAScript, which works in every runtime. Pass the same environment to all
 * endpoints of a process, so that they share its buffers. Endpoints without the option `environment` share
 * an environment that is made without `functions`.
 *
 * Random bytes come from the global `crypto`. Without it, functions that need random bytes throw UsageError
 * `NO_RANDOM_SOURCE`.
 *
 * @param functions replacements, such as a faster UTF-8 codec of the runtime
 * @throws UsageError `INVALID_OPTION`
 */
export function createProtocolEnvironment(
  functions: Partial<ProtocolEnvironment> = {},
): ProtocolEnvironment {
  const environment = { ...PLAIN_FUNCTIONS, ...functions };
  checkEnvironment(environment);
  return withSharedBuffers(environment);
}

/** @throws UsageError `INVALID_OPTION` unless all functions exist, with the right types */
export function checkEnvironment(environment: ProtocolEnvironment): void {
  const parts: Record<string, unknown> = isRecord(environment) ? { ...environment } : {};
  for (const [name, standard] of Object.entries(PLAIN_FUNCTIONS)) {
    const [type, expected] = [typeof parts[name], typeof standard];
    if (type !== expected) {
      throw invalidOption("createProtocolEnvironment", name, parts[name], `a ${expected}`);
    }
  }
}

function decodeUtf8(bytes: Uint8Array, start: number, end: number): string {
  let text = "";
  let units: number[] = [];
  let at = start;
  while (at < end) {
    const lead = bytes[at++];
    // RFC 3629 3: the lead byte says how many bytes follow, each with six bits.
    const following = lead < 0x80 ? 0 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
    let codePoint = following === 0 ? lead : lead & (0x3f >> following);
    for (let count = 0; count < following; count++)
      codePoint = (codePoint << 6) | (bytes[at++] & 0x3f);
    if (codePoint > 0xffff) units.push(0xd7c0 + (codePoint >> 10), 0xdc00 | (codePoint & 0x3ff));
    else units.push(codePoint);
    if (units.length >= UNITS_PER_CALL) {
      text += String.fromCharCode(...units);
      units = [];
    }
  }
  return text + String.fromCharCode(...units);
}

function encodeUtf8(text: string, target: Uint8Array, offset: number): number {
  let at = offset;
  for (const character of text) {
    const codePoint = wellFormed(character.codePointAt(0)!);
    const length = utf8LengthOf(codePoint);
    if (length === 1) target[at++] = codePoint;
    else {
      // RFC 3629 3: the lead byte has one 1 bit per byte of the sequence, a 0 bit, and the highest bits.
      target[at++] = ((0xf00 >> length) & 0xff) | (codePoint >> (6 * (length - 1)));
      for (let shift = 6 * (length - 2); shift >= 0; shift -= 6) {
        target[at++] = 0x80 | ((codePoint >> shift) & 0x3f);
      }
    }
  }
  return at - offset;
}

/** A lone surrogate becomes U+FFFD, which takes the same number of bytes. */
function wellFormed(codePoint: number): number {
  return codePoint >= 0xd800 && codePoint <= 0xdfff ? 0xfffd : codePoint;
}

function utf8LengthOf(codePoint: number): number {
  return codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint < 0x1_0000 ? 3 : 4;
}
