import type { ServerHttp2Stream } from "node:http2";
import { cancelStream } from "./close-stream.ts";

/**
 * Cancels a request whose client takes nothing of the answer for `timeoutMs`, as a window that stays
 * shut can make it wait for ever. One whose handler says nothing for as long stays.
 */
export function cancelIfStalled(stream: ServerHttp2Stream, timeoutMs: number): void {
  stream.setTimeout(timeoutMs);
  stream.on("timeout", () => {
    if (stream.writableLength > 0) cancelStream(stream);
    else stream.setTimeout(timeoutMs);
  });
}
