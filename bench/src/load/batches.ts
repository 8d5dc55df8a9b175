import type { MessageShape } from "./loads.ts";

/** The number of batches in flight, so that neither side waits for the other. */
export const BATCHES_IN_FLIGHT = 2;

/** The approximate size of a batch, which has at least {@link LEAST_MESSAGES} messages. */
const BATCH_BYTES = 64 * 1024;
const LEAST_MESSAGES = 16;

/** The number of messages that a client receives or sends for each small text in the other direction. */
export function messagesPerBatch({ payloadBytes }: MessageShape): number {
  return Math.max(LEAST_MESSAGES, Math.floor(BATCH_BYTES / payloadBytes));
}

/** The text that answers a batch. */
export const ANSWER = "next";
