import { toBase64 } from "./base64.ts";
import { formatPosition, type Position } from "./position.ts";
import type { GapReason, Publication, TopicData } from "./publication.ts";

/** Somebody who is present on a topic. */
export interface Member {
  /** 1 to 128 characters. Who is present twice, with two sockets say, is one member. */
  readonly id: string;
  /** What else there is to know, as JSON can express it. */
  readonly data?: unknown;
}

/** What a subscriber can be told. */
export type TopicMessage =
  | {
      readonly type: "publication";
      readonly topic: string;
      readonly publication: Publication;
    }
  | {
      /** Sent first: every publication after `position` follows. */
      readonly type: "subscribed";
      readonly topic: string;
      readonly position: Position;
      readonly recovered: boolean;
      readonly reason?: GapReason;
    }
  | {
      /** Publications are missing here, for `reason`; every one after `position` follows. */
      readonly type: "lost";
      readonly topic: string;
      readonly position: Position;
      readonly reason: GapReason;
    }
  | {
      /** Who is present; sent first, and again where joins and leaves could not be sent. */
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
 * Makes what is sent to subscribers; undefined to send nothing. It is called once for a publication,
 * whatever the number of subscribers. A socket whose `lost` is not sent is closed with 1013 instead:
 * it must not go on as if nothing had happened.
 */
export type EncodeTopicMessage = (message: TopicMessage) => TopicData | undefined;

/**
 * The default: every message as a JSON object in text. A publication carries its `position`, as the
 * text that a client gives back as `since`, its `id`, and its data as `text`, or as `bytes` in base64.
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
 * Sends the data of publications as it is, and nothing else. Such a client does not learn positions:
 * it cannot resume unless it is told them in another way.
 */
export function dataOnly(message: TopicMessage): TopicData | undefined {
  return message.type === "publication" ? message.publication.data : undefined;
}
