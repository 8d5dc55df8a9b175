import { CloseCode } from "tideway/protocol";
import { type ClientMessage, MAX_ID_CHARS, MAX_TEXT_CHARS } from "./wire/wire.ts";

/** Why a client is not to be listened to any longer. */
export interface Refusal {
  readonly code: number;
  readonly reason: string;
}

/** What one frame of a client holds: a message, nothing of interest, or a reason to close. */
export type ReadOutcome =
  | { readonly kind: "message"; readonly message: ClientMessage }
  | { readonly kind: "ignore" }
  | { readonly kind: "refuse"; readonly refusal: Refusal };

/**
 * Reads a frame and trusts nothing in it. What is no JSON object with a `type`, or has a field of
 * the wrong kind, is refused; a type of which this server knows nothing is ignored, so that clients
 * may know more than it does, and so is a text with nothing in it. Only known fields are copied
 * out, one by one; the `id` that plain clients send is not among them: who speaks is known by the
 * connection.
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

/** A field of this chat's own; what another client may mean by the same name is left alone. */
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
