import { fromBase64, toBase64 } from "./base64.ts";
import type { PublicationDraft } from "./broker.ts";
import { formatPosition, type Position, readPosition } from "./position.ts";
import type { Publication } from "./publication.ts";

/**
 * A publication as engines store it: JSON, which every client of an engine keeps as it is, and a person
 * can read. `v` is raised only if older versions can no longer read it. They ignore fields that they do not
 * know.
 */
export function encodePayload({ id, data }: PublicationDraft): string {
  const content = typeof data === "string" ? { text: data } : { bytes: toBase64(data) };
  return JSON.stringify({ v: 1, id, ...content });
}

/** @returns undefined for a text that this version cannot read */
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

/** Puts the position before a payload: `epoch:offset payload`. */
export function encodeRecord(position: Position, payload: string): string {
  return `${formatPosition(position)} ${payload}`;
}

/** @returns undefined for a text that this version cannot read */
export function decodeRecord(text: string): Publication | undefined {
  const position = readRecordPosition(text);
  const draft = decodePayload(text.slice(text.indexOf(" ") + 1));
  return position && draft && { position, ...draft };
}

/** The position before a payload; undefined if there is none. */
export function readRecordPosition(text: string): Position | undefined {
  const end = text.indexOf(" ");
  return end === -1 ? undefined : readPosition(text.slice(0, end));
}
