import type { MessageShape } from "./loads.ts";

/** So much of it is under way that neither side waits for the other. */
export const BATCHES_IN_FLIGHT = 2;

/** About so many bytes are a batch, and at least {@link LEAST_MESSAGES}. */
const BATCH_BYTES = 64 * 1024;
const LEAST_MESSAGES = 16;

/** How many messages a client receives or sends for one small text that goes the other way. */
export function messagesPerBatch({ payloadBytes }: MessageShape): number {
  return Math.max(LEAST_MESSAGES, Math.floor(BATCH_BYTES / payloadBytes));
}

/** What answers a batch. */
export const ANSWER = "next";
