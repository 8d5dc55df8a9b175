import { UsageError } from "../../errors/index.ts";
import { quote } from "../../errors/quote.ts";
import type { PreparedMessage } from "../../protocol/prepared-message.ts";
import { prepare } from "../../server/socket/message-data.ts";
import type { SharedMessage, TopicData } from "../../topics/index.ts";
import { byteLength, encodeFrame } from "../wire/frames.ts";

/** A publication as all subscribers of this server get it: encoded, compressed and framed once. */
export class SharedPublication implements SharedMessage {
  readonly data: TopicData;
  readonly prepared: PreparedMessage;
  /** The number of bytes that the credit of each subscription pays. */
  readonly byteLength: number;

  constructor(data: TopicData) {
    this.data = data;
    this.prepared = prepare(data);
    this.byteLength = byteLength(data);
  }
}

/**
 * Encodes a publication for the subscribers of the topic with a number.
 *
 * @throws UsageError `INVALID_DATA` if the data is text that is not JSON. Code that does not use channels may
 *   publish any text to the topic, which a client could not parse.
 */
export function encodePublication(
  number: number,
  topic: string,
  data: TopicData,
): SharedPublication {
  if (typeof data !== "string") return new SharedPublication(encodeFrame([number], data));
  if (isJson(data)) return new SharedPublication(`[${number},${data}]`);
  throw new UsageError(
    "INVALID_DATA",
    `a publication of the topic ${quote(topic)} is not JSON, so channels cannot deliver it; publish JSON, or bytes`,
  );
}

/** Whether a text is JSON. */
export function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
