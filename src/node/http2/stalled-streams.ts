import type { ServerHttp2Stream } from "node:http2";
import { cancelStream } from "./close-stream.ts";

/**
 * Cancels a stream when its client does not read the response for `timeoutMs`, for example because it never
 * opens its flow-control window. If the handler sends nothing for that time, the stream stays open.
 */
export function cancelIfStalled(stream: ServerHttp2Stream, timeoutMs: number): void {
  stream.setTimeout(timeoutMs);
  stream.on("timeout", () => {
    if (stream.writableLength > 0) cancelStream(stream);
    else stream.setTimeout(timeoutMs);
  });
}
