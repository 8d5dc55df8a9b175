import type { LinkOptions } from "tideway/testing";

/** The in-memory links over which everything that works over TCP must work, by name. */
export const LINKS: Readonly<Record<string, LinkOptions>> = {
  memory: {},
  "memory, split at every byte": { maxChunkBytes: 1 },
  "memory, seven bytes at a time and delayed": { maxChunkBytes: 7, latencyMs: 1 },
  "memory with a small buffer": { bufferBytes: 16 },
};

/**
 * TCP with only documented Node APIs: no shared reads, observed writes or persistent zlib streams.
 */
export const TCP_DOCUMENTED = "TCP, with documented Node APIs only";

/** HTTP/2, for conversations, but not for tests of the connection below. */
export const HTTP2 = "HTTP/2";

/** TCP, with the server of Bun. */
export const BUN_SERVE = "Bun.serve";
