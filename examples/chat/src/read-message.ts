import { CloseCode } from "tideway/protocol";
import { type ClientMessage, MAX_ID_CHARS, MAX_TEXT_CHARS } from "./wire/wire.ts";

/** The reason to close the socket of a client. */
export interface Refusal {
  readonly code: number;
  readonly reason: string;
}

/** The content of one frame of a client: a message, nothing of interest, or a reason to close. */
export type ReadOutcome =
  | { readonly kind: "message"; readonly message: ClientMessage }
  | { readonly kind: "ignore" }
  | { readonly kind: "refuse"; readonly refusal: Refusal };

/**
 * Reads and validates a frame. A frame that is not a JSON object with a `type`, or that has a field of the
 * wrong type, closes the socket. An unknown `type` and an empty text are ignored, so that clients can be
 * newer than this server. Only known fields are copied. The `id` that plain clients send is ignored,
 * because the connection identifies the sender.
 */
export function readClientMessage(frame: string | Uint8Array): ReadOutcome {
  if (typeof frame !== "string") {
    return refuse(CloseCode.UnsupportedData, "only text messages are understood");
  }
  const value = parse(frame);
  if (!isRecord(value) || typeof value["type"] !== "string") {
    return refuse(CloseCode.InvalidPayload, "a message is a JSON object with a type");
  }
  switch (value["type"]) {
    case "username":
      return readUsername(value);
    case "message":
      return readText(value);
    default:
      return { kind: "ignore" };
  }
}

function readUsername(value: Record<string, unknown>): ReadOutcome {
  const { name = "" } = value;
  if (typeof name !== "string") {
    return refuse(CloseCode.InvalidPayload, "the name of a username is a string");
  }
  return {
    kind: "message",
    message: { type: "username", name, ...identifier(value, "session") },
  };
}

function readText(value: Record<string, unknown>): ReadOutcome {
  const { text = "" } = value;
  if (typeof text !== "string") {
    return refuse(CloseCode.InvalidPayload, "the text of a message is a string");
  }
  if (text.length > MAX_TEXT_CHARS) {
    return refuse(
      CloseCode.MessageTooBig,
      `text of ${text.length} characters exceeds ${MAX_TEXT_CHARS}`,
    );
  }
  if (text.trim() === "") return { kind: "ignore" };
  return {
    kind: "message",
    message: { type: "message", text, ...identifier(value, "messageId") },
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Reads a field that only this chat has. If its type is wrong, it belongs to another client and is ignored. */
function identifier<Field extends string>(
  record: Record<string, unknown>,
  field: Field,
): { readonly [name in Field]?: string } {
  const value = record[field];
  if (typeof value !== "string" || value === "" || value.length > MAX_ID_CHARS) return {};
  return { [field]: value } as { [name in Field]: string };
}

function refuse(code: number, reason: string): ReadOutcome {
  return { kind: "refuse", refusal: { code, reason } };
}
