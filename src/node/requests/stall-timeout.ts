import type { Server as HttpServer } from "node:http";

/** How long a client may stop reading a response, unless the HTTP server has a `timeout`. */
const STALL_TIMEOUT_MS = 60_000;

/** How long a client of `httpServer` may stop reading a response: its `timeout`, or a minute. */
export function stallTimeoutMs({ timeout }: HttpServer): number {
  return timeout || STALL_TIMEOUT_MS;
}
