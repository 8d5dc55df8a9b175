import { fromBase64, toBase64 } from "./base64.ts";
import type { PublicationDraft } from "./broker.ts";
import { formatPosition, type Position, readPosition } from "./position.ts";
import type { Publication } from "./publication.ts";

/**
 * Encodes a publication for an engine, as JSON: every client of an engine keeps text unchanged, and people
 * can read it. `v` changes only if older versions can no longer read the JSON. They ignore unknown fields.
 */
export function encodePayload({ id, data }: PublicationDraft): string {
  const content = typeof data === "string" ? { text: data } : { bytes: toBase64(data) };
  return JSON.stringify({ v: 1, id, ...content });
}

/** Decodes a publication. @returns undefined if this version cannot read the payload */
export function decodePayload(payload: unknown): PublicationDraft | undefined {
  if (typeof payload !== "string") return undefined;
  try {
    const read: unknown = JSON.parse(payload);
    if (typeof read !== "object" || read === null) return undefined;
    const { v, id, text, bytes } = read as Record<string, unknown>;
    if (v !== 1 || typeof id !== "string") return undefined;
    const data = typeof bytes === "string" ? fromBase64(bytes) : text;
    return typeof data === "string" || data instanceof Uint8Array ? { id, data } : undefined;
  } catch {
    return undefined;
  }
}

/** Writes a position and a payload as one text: `epoch:offset payload`. */
export function encodeRecord(position: Position, payload: string): string {
  return `${formatPosition(position)} ${payload}`;
}

/** Reads a position and a payload. @returns undefined if this version cannot read the text */
export function decodeRecord(text: string): Publication | undefined {
  const position = readRecordPosition(text);
  const draft = decodePayload(text.slice(text.indexOf(" ") + 1));
  return position && draft && { position, ...draft };
}

/** Reads the position before a payload. @returns undefined if the text does not start with a position */
export function readRecordPosition(text: string): Position | undefined {
  const end = text.indexOf(" ");
  return end === -1 ? undefined : readPosition(text.slice(0, end));
}
