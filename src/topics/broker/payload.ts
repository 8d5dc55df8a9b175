import { fromBase64, toBase64 } from "./base64.ts";
import type { PublicationDraft, VolatileMessage } from "./broker.ts";
import { formatPosition, type Position, readPosition } from "./position.ts";
import type { Publication, TopicData } from "./publication.ts";

/**
 * Encodes a publication for an engine as JSON, because every client of an engine keeps text unchanged, and
 * people can read it. `v` changes only if older versions of this package cannot read the JSON. They ignore
 * unknown fields.
 */
export function encodePayload({ id, data }: PublicationDraft): string {
  const content = typeof data === "string" ? { text: data } : { bytes: toBase64(data) };
  return JSON.stringify({ v: 1, id, ...content });
}

/** Encodes a volatile message for an engine, as JSON. */
export function encodeMessage({ data, sender }: VolatileMessage): string {
  const content = typeof data === "string" ? { text: data } : { bytes: toBase64(data) };
  return JSON.stringify({ v: 1, sender, ...content });
}

/** Decodes a volatile message. @returns undefined if this version cannot read the payload */
export function decodeMessage(payload: string): VolatileMessage | undefined {
  const { sender, ...content } = readFields(payload) ?? {};
  const data = dataOf(content);
  if (data === undefined) return undefined;
  return typeof sender === "string" ? { data, sender } : { data };
}

/** Decodes a publication. @returns undefined if this version of the package cannot read the payload */
export function decodePayload(payload: unknown): PublicationDraft | undefined {
  const { id, ...content } = readFields(payload) ?? {};
  const data = dataOf(content);
  return typeof id === "string" && data !== undefined ? { id, data } : undefined;
}

/** Reads the fields of a payload of this version. */
function readFields(payload: unknown): Record<string, unknown> | undefined {
  if (typeof payload !== "string") return undefined;
  try {
    const read: unknown = JSON.parse(payload);
    if (typeof read !== "object" || read === null) return undefined;
    return (read as Record<string, unknown>)["v"] === 1 ? { ...read } : undefined;
  } catch {
    return undefined;
  }
}

function dataOf({ text, bytes }: Record<string, unknown>): TopicData | undefined {
  const data = typeof bytes === "string" ? fromBase64(bytes) : text;
  return typeof data === "string" || data instanceof Uint8Array ? data : undefined;
}

/** Writes a position and a payload as one text: `epoch:offset payload`. */
export function encodeRecord(position: Position, payload: string): string {
  return `${formatPosition(position)} ${payload}`;
}

/** Reads a position and a payload. @returns undefined if this version of the package cannot read the text */
export function decodeRecord(text: string): Publication | undefined {
  const position = readRecordPosition(text);
  const draft = decodePayload(text.slice(text.indexOf(" ") + 1));
  return position && draft && { position, ...draft };
}

/** Reads the position before a payload. @returns undefined if the text does not start with a position */
function readRecordPosition(text: string): Position | undefined {
  const end = text.indexOf(" ");
  return end === -1 ? undefined : readPosition(text.slice(0, end));
}
