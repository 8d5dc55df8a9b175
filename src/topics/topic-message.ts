import { toBase64 } from "./base64.ts";
import { formatPosition, type Position } from "./position.ts";
import type { GapReason, Publication, TopicData } from "./publication.ts";

/** A member that is present on a topic. */
export interface Member {
  /** 1 to 128 characters. Entries with the same id, of two sockets for example, are one member. */
  readonly id: string;
  /** Any further data, as JSON can express it. */
  readonly data?: unknown;
}

/** A message to a subscriber, before `encode`. */
export type TopicMessage =
  | {
      readonly type: "publication";
      readonly topic: string;
      readonly publication: Publication;
    }
  | {
      /** The first message: every publication after `position` follows. */
      readonly type: "subscribed";
      readonly topic: string;
      readonly position: Position;
      readonly recovered: boolean;
      readonly reason?: GapReason;
    }
  | {
      /** Publications are lost, for `reason`. Every publication after `position` follows. */
      readonly type: "lost";
      readonly topic: string;
      readonly position: Position;
      readonly reason: GapReason;
    }
  | {
      /** All members: after `subscribed`, and again if a join or leave could not be sent. */
      readonly type: "members";
      readonly topic: string;
      readonly members: readonly Member[];
    }
  | {
      readonly type: "join" | "leave";
      readonly topic: string;
      readonly member: Member;
    };

/**
 * Encodes a message to subscribers; undefined sends nothing. It is called once for each publication,
 * whatever the number of subscribers. If it returns undefined for `lost`, the socket is closed with 1013,
 * so that the client does not continue as if nothing was lost.
 */
export type EncodeTopicMessage = (message: TopicMessage) => TopicData | undefined;

/**
 * The default `encode`: every message as a JSON object in text. A publication has its `position`, as the
 * text that the client sends back as `since`, its `id`, and its data as `text`, or as `bytes` in base64.
 *
 * ```json
 * {"type":"publication","topic":"news","position":"0f7c...:12","id":"a1","text":"hello"}
 * ```
 */
export function envelope(message: TopicMessage): string {
  if (message.type !== "publication") {
    if (!("position" in message)) return JSON.stringify(message);
    return JSON.stringify({ ...message, position: formatPosition(message.position) });
  }
  const { type, topic, publication } = message;
  const { id, data } = publication;
  const position = formatPosition(publication.position);
  const content = typeof data === "string" ? { text: data } : { bytes: toBase64(data) };
  return JSON.stringify({ type, topic, position, id, ...content });
}

/**
 * An `encode` that sends the data of publications as it is, and nothing else. The client does not learn
 * positions, so it cannot continue after a reconnect unless it gets them in another way.
 */
export function dataOnly(message: TopicMessage): TopicData | undefined {
  return message.type === "publication" ? message.publication.data : undefined;
}
