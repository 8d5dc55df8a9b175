import type { LossReason } from "../../topic-names/loss-reason.ts";
import { toBase64 } from "../broker/base64.ts";
import { formatPosition, type Position } from "../broker/position.ts";
import type { Publication, TopicData } from "../broker/publication.ts";
import type { SharedMessage } from "./topic-socket.ts";

/** A member that is present on a topic, such as a user. */
export interface Member {
  /** Identifies the member: 1 to 128 characters. Two sockets that enter with the same id are one member. */
  readonly id: string;
  /** Any data that JSON can express. Together with the id, at most 16,384 characters of JSON. */
  readonly data?: unknown;
}

/** A message to the subscribers of a topic, which `encode` turns into text or bytes. */
export type TopicMessage =
  | {
      readonly type: "publication";
      readonly topic: string;
      readonly publication: Publication;
    }
  | {
      /** The first message to a subscriber. Every publication after `position` follows. */
      readonly type: "subscribed";
      readonly topic: string;
      readonly position: Position;
      readonly recovered: boolean;
      readonly reason?: LossReason | "no-position";
    }
  | {
      /** Publications are lost because of `reason`. Every publication after `position` follows. */
      readonly type: "lost";
      readonly topic: string;
      readonly position: Position;
      readonly reason: LossReason;
    }
  | {
      /**
       * All members. Follows `subscribed`, and is sent again if a `join` or `leave` message could not be
       * sent.
       */
      readonly type: "members";
      readonly topic: string;
      readonly members: readonly Member[];
    }
  | {
      /** A member has entered, has left, or has expired. */
      readonly type: "join" | "leave";
      readonly topic: string;
      readonly member: Member;
    };

/**
 * The type of the `encode` option: encodes a message for the subscribers of a topic. Return undefined to send
 * nothing. Each server calls it once for each publication, for any number of subscribers. If it returns
 * undefined for `lost`, the socket closes with 1013, so that the client does not assume that it has all
 * publications. It may return a {@link SharedMessage} that all its sockets accept. Topics then does not call
 * `prepare`.
 */
export type EncodeTopicMessage = (message: TopicMessage) => TopicData | SharedMessage | undefined;

/**
 * Encodes every message as a JSON object: the default of the `encode` option. A publication has its
 * `position` as text, which the client sends back as `since`. It also has its `id`, and its data as `text`,
 * or as `bytes` in base64.
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
 * A value for the `encode` option that sends only the data of publications, unchanged. The client does not
 * get positions, so it misses publications while it reconnects. Sockets close with 1013 when publications are
 * lost.
 */
export function dataOnly(message: TopicMessage): TopicData | undefined {
  return message.type === "publication" ? message.publication.data : undefined;
}
