import * as fc from "fast-check";
import { type ProtocolEnvironment } from "../../../src/protocol/protocol-environment.ts";
import { nodeProtocolEnvironment } from "../../../src/node/environment/protocol-environment.ts";

/** The key of RFC 6455 1.3 and the accept key that answers it. */
export const SAMPLE_KEY = "dGhlIHNhbXBsZSBub25jZQ==";
export const SAMPLE_ACCEPT_KEY = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/** An environment that uses the nonce of RFC 6455 1.3 as random bytes. */
export const sampleEnvironment: ProtocolEnvironment = {
  ...nodeProtocolEnvironment,
  fillRandom: (bytes) => bytes.set(latin1("the sample nonce")),
};

export function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

export function fromLatin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("latin1");
}

/** `name: value` lines as the raw header list of `node:http`. */
export function rawHeaders(...lines: string[]): string[] {
  return lines.flatMap((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon), line.slice(colon + 1).trim()];
  });
}

export function head(...lines: string[]): string {
  return [...lines, "", ""].join("\r\n");
}

/**
 * Feeds `bytes` split at `cuts` to `receive` until it has a result. Each chunk has separate memory
 * that is overwritten afterwards, so that a result cannot depend on earlier chunks.
 */
export function feed<Outcome>(
  receive: (chunk: Uint8Array) => Outcome | undefined,
  bytes: Uint8Array,
  cuts: readonly number[] = [],
): { outcome: Outcome; unread: Uint8Array } | undefined {
  const ends = [...cuts.toSorted((a, b) => a - b), bytes.length];
  let start = 0;
  for (const end of ends) {
    const chunk = bytes.slice(start, end);
    const outcome = receive(chunk);
    if (outcome !== undefined) return { outcome, unread: bytes.slice(end) };
    chunk.fill(0x21);
    start = end;
  }
  return undefined;
}

/** Where to split `length` bytes: once between any two bytes, everywhere, and at random. */
export function everyCut(length: number): number[][] {
  const positions = Array.from({ length: length + 1 }, (_, position) => position);
  return [...positions.map((position) => [position]), positions];
}

export function anyCuts(length: number): fc.Arbitrary<number[]> {
  return fc.array(fc.nat({ max: length }), { maxLength: 12 });
}

/** Strings of the characters in `alphabet`. */
export function stringOf(alphabet: string, maxLength = 12, minLength = 0): fc.Arbitrary<string> {
  return fc.string({ unit: fc.constantFrom(...alphabet.split("")), minLength, maxLength });
}

/** The 77 characters of RFC 9110 5.6.2. */
export const TOKEN_CHARS =
  "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** Tokens, including names that plain objects inherit. */
export const token: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom("__proto__", "constructor", "hasOwnProperty", "toString"),
  stringOf(TOKEN_CHARS, 12, 1),
);

/** Values of header fields without surrounding white space. */
export const fieldValue: fc.Arbitrary<string> = stringOf('ab:,;"\\ \t~\u0080\u00a0\u00ff').map(
  (value) => value.replace(/^[ \t]+|[ \t]+$/g, ""),
);

export function catchError(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  return undefined;
}

/** Header fields that no message may contain. */
export const INVALID_HEADERS: [string, [string, string]][] = [
  ["a CR in a value", ["X", "a\rb"]],
  ["an LF in a value", ["X", "a\nb"]],
  ["a line end and a field in a value", ["X", "a\r\nSet-Cookie: b"]],
  ["a NUL in a value", ["X", "a\u0000b"]],
  ["a DEL in a value", ["X", "a\u007fb"]],
  ["a character beyond Latin-1", ["X", "\u0142"]],
  // Truncated to its low byte, U+560A would be an LF.
  ["a character whose low byte is LF", ["X", "a\u560ab"]],
  ["an empty name", ["", "a"]],
  ["a name with a line end", ["X\r\nY", "a"]],
  ["a name with a colon", ["X:", "a"]],
  ["a name with a space", ["X ", "a"]],
  ["a non-ASCII name", ["\u00e9", "a"]],
  ["a value that is not a string", ["X", 1 as unknown as string]],
  ["a missing value", ["X", undefined as unknown as string]],
];
