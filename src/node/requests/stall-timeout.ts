import type { Server as HttpServer } from "node:http";

/** How long a peer may take nothing of what it has asked for, where the HTTP server does not say. */
const STALL_TIMEOUT_MS = 60_000;

/** How long a peer of `httpServer` may take nothing of an answer: its `timeout`, or a minute. */
export function stallTimeoutMs({ timeout }: HttpServer): number {
  return timeout || STALL_TIMEOUT_MS;
}
