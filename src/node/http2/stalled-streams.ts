import type { ServerHttp2Stream } from "node:http2";
import { cancelStream } from "./close-stream.ts";

/**
 * Cancels a stream when its client reads nothing of the response for `timeoutMs`, for example because it never
 * opens its flow-control window. A stream whose handler sends nothing for that time stays open.
 */
export function cancelIfStalled(stream: ServerHttp2Stream, timeoutMs: number): void {
  stream.setTimeout(timeoutMs);
  stream.on("timeout", () => {
    if (stream.writableLength > 0) cancelStream(stream);
    else stream.setTimeout(timeoutMs);
  });
}
