import { fromBase64, toBase64 } from "./base64.ts";
import type { PublicationDraft } from "./broker.ts";
import { formatPosition, type Position, readPosition } from "./position.ts";
import type { Publication } from "./publication.ts";

/**
 * A publication as engines keep it: JSON, so that it is the same to every client of an engine, and a
 * person can read it. The version goes up when an older node could not read it any more; what a newer
 * one only adds is ignored.
 */
export function encodePayload({ id, data }: PublicationDraft): string {
  const content = typeof data === "string" ? { text: data } : { bytes: toBase64(data) };
  return JSON.stringify({ v: 1, id, ...content });
}

/** @returns undefined for what this version cannot read, whoever has written it */
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

/** A payload with its position in front: `epoch:offset payload`. */
export function placePayload(position: Position, payload: string): string {
  return `${formatPosition(position)} ${payload}`;
}

/** @returns undefined for what this version cannot read, whoever has written it */
export function decodePlaced(text: string): Publication | undefined {
  const position = readPlace(text);
  const draft = decodePayload(text.slice(text.indexOf(" ") + 1));
  return position && draft && { position, ...draft };
}

/** The position in front of a payload; undefined where there is none. */
export function readPlace(text: string): Position | undefined {
  const end = text.indexOf(" ");
  return end === -1 ? undefined : readPosition(text.slice(0, end));
}
