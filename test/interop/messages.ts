import { expect } from "vitest";

/** The lengths at which a header changes its form (RFC 6455 5.2), 0, and a large one. */
const LENGTHS = [0, 125, 126, 65_535, 65_536, 64 * 1024 * 1024] as const;

export const LARGEST: number = Math.max(...LENGTHS);

/** The forms of a message in the other implementations. */
export type Message = string | Uint8Array<ArrayBuffer>;

const KINDS = ["text", "binary"] as const;
type Kind = (typeof KINDS)[number];

/** Every length as text and as binary, with its description. */
export const CASES = KINDS.flatMap((kind) =>
  LENGTHS.map((length) => [`${length} bytes of ${kind}`, kind, length] as const),
);

/** A message of `length` bytes. Text contains characters of one to four bytes. */
export function messageOf(kind: Kind, length: number): Message {
  if (kind === "text") return "aé€😀".repeat(length / 10) + "z".repeat(length % 10);
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at++) bytes[at] = at * 167 + (at >> 8);
  return bytes;
}

/**
 * The bytes of a message in three fragments. The splits are within characters, and the middle one
 * may be empty.
 */
export function fragmentsOf(message: string | Uint8Array): Buffer[] {
  const bytes = Buffer.from(message as Uint8Array);
  const cuts = [0, Math.floor(bytes.length / 3), Math.floor(bytes.length / 3) + 2, bytes.length];
  return [0, 1, 2].map((at) => bytes.subarray(cuts[at], cuts[at + 1]));
}

/** Returns whether both are the same message. Never prints them, because they can be large. */
export function expectSameMessage(received: unknown, sent: Message): void {
  if (typeof sent === "string") {
    expect(typeof received).toBe("string");
    expect(received === sent, "the text came unchanged").toBe(true);
  } else {
    expect(received).toBeInstanceOf(Uint8Array);
    expect(Buffer.compare(received as Uint8Array, sent), "the bytes came unchanged").toBe(0);
  }
}

/** The message in an event of a WHATWG socket with binaryType `arraybuffer`. */
export function fromEvent(data: unknown): unknown {
  return data instanceof ArrayBuffer ? new Uint8Array(data) : data;
}
