import type { SchemaIssue } from "../../schema/standard-schema.ts";
import type { LossReason } from "../../topic-names/loss-reason.ts";

/** The subprotocol of version 1 (RFC 6455 1.9). */
export const SUBPROTOCOL = "tideway.channels.1";

/** A member of a topic. */
export interface FrameMember {
  readonly id: string;
  readonly data?: unknown;
}

/** A frame that the client sends. See docs/channels-protocol.md. */
export type ClientFrame =
  | {
      type: "hello";
      auth?: unknown;
      session: string;
      connection: number;
      /** The maximum size of a message that the client accepts. Absent if there is no limit. */
      maxMessageBytes?: number | undefined;
    }
  | { type: "auth"; auth?: unknown }
  | {
      type: "subscribe";
      id: number;
      topic: string;
      since?: string;
      last?: number;
      credit: number;
    }
  | { type: "unsubscribe"; topic: string }
  | { type: "credit"; topic: string; bytes: number }
  | { type: "credit"; stream: number; bytes: number }
  | { type: "publish"; id: number; topic: string; data?: unknown; number?: number; key?: string }
  | { type: "watch"; id: number; topic: string }
  | { type: "unwatch"; topic: string }
  | { type: "enter"; id: number; topic: string; replaces?: number }
  | { type: "leave"; id: number; topic: string; replaces?: number }
  | {
      type: "history";
      id: number;
      topic: string;
      limit: number;
      before?: string;
      after?: string;
    }
  | { type: "call"; id: number; name: string; input?: unknown; number?: number }
  | {
      type: "stream";
      id: number;
      name: string;
      input?: unknown;
      credit: number;
      lastId?: string;
    }
  | { type: "cancel"; id: number }
  | { type: "seen"; id: number }
  | { type: "ping" };

/** The fields of a failure. */
export interface ErrorFields {
  code: string;
  message?: string;
  data?: unknown;
  issues?: readonly SchemaIssue[];
  retryAfterMs?: number;
  mayBeStored?: boolean;
}

/** A frame that the server sends, except for publications. See docs/channels-protocol.md. */
export type ServerFrame =
  | {
      type: "welcome";
      /** How long after its first send a publish or an idempotent call may be sent again. */
      idWindowMs: number;
      expiresInMs?: number;
      /** The names of the idempotent calls and resumable streams: the client may send them again. */
      repeatable: readonly string[];
      /** How many publishes and calls the client may send before it waits for answers. */
      maxPending: { publish: number; call: number };
      /** The maximum size of a message that the server accepts. Absent if there is no limit. */
      maxMessageBytes?: number;
    }
  | { type: "versions"; versions: readonly string[] }
  | {
      type: "subscribed";
      id: number;
      topic: string;
      number: number;
      position?: string;
      recovered?: boolean;
      /** Why the publications do not follow `since`. Absent if they do. */
      reason?: LossReason | "no-position" | undefined;
      isVolatile?: true;
    }
  | { type: "lost"; topic: string; position: string; reason: LossReason }
  | ({ type: "unsubscribed" | "unwatched"; topic: string } & ErrorFields)
  | {
      type: "members";
      /** The request `watch` that it answers. Absent if the server sends the members again. */
      id?: number;
      topic: string;
      members: readonly FrameMember[];
    }
  | { type: "join" | "leave"; topic: string; member: FrameMember }
  | {
      type: "result";
      id: number;
      output?: unknown;
      /** Of a publication; for `history`, the last position of the topic at the time of the read. */
      position?: string;
      /** For `history`: why the items do not follow `after` without a gap. Then there are no items. */
      reason?: LossReason;
      isDuplicate?: boolean;
      member?: FrameMember;
    }
  | { type: "item"; id: number; data?: unknown; itemId?: string; position?: string }
  | { type: "end"; id: number }
  | ({ type: "error"; id: number } & ErrorFields)
  | { type: "pong" };

/** A publication: the number of its topic on this server, and its data. */
export type PublicationFrame = readonly [number: number, data?: unknown];

/** Ends the JSON of a binary frame. */
export const LINE_FEED = 0x0a;

const encoder = new TextEncoder();

/** The length of a message as the payload of a WebSocket message, which credit pays for. */
export function byteLength(message: string | Uint8Array): number {
  return (typeof message === "string" ? encoder.encode(message) : message).length;
}

/** Encodes a frame as text; or as bytes, if its data is `bytes` instead of JSON. */
export function encodeFrame(
  frame: ClientFrame | ServerFrame | PublicationFrame,
  bytes?: Uint8Array,
): string | Uint8Array<ArrayBuffer> {
  const text = JSON.stringify(frame);
  if (!bytes) return text;
  const header = encoder.encode(`${text}\n`);
  const message = new Uint8Array(header.length + bytes.length);
  message.set(header);
  message.set(bytes, header.length);
  return message;
}

/** A decoded frame: any JSON value, and its data if that is bytes. */
export interface DecodedFrame {
  readonly frame: unknown;
  readonly bytes?: Uint8Array;
}

/** Decodes a frame. @throws SyntaxError if it is not JSON, or a binary frame without a line feed */
export function decodeFrame(message: string | Uint8Array): DecodedFrame {
  if (typeof message === "string") return { frame: JSON.parse(message) };
  const end = message.indexOf(LINE_FEED);
  // Without a line feed, the header is empty, which is not JSON.
  const header = new TextDecoder().decode(message.subarray(0, end + 1));
  return { frame: JSON.parse(header), bytes: message.subarray(end + 1) };
}
