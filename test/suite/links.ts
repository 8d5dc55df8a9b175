import type { LinkOptions } from "tideway/testing";

/** The links in memory over which what works over TCP has to work too, by their names. */
export const LINKS: Readonly<Record<string, LinkOptions>> = {
  memory: {},
  "memory, split at every byte": { maxChunkBytes: 1 },
  "memory, seven bytes at a time and late": { maxChunkBytes: 7, latencyMs: 1 },
  "memory with hardly a buffer": { bufferBytes: 16 },
};

/** Names TCP by what Node documents alone: no shared reads, no sight of writes, no lasting zlib streams. */
export const TCP_DOCUMENTED = "TCP, by what Node documents";

/** Names HTTP/2, over which conversations go, but nothing that has to do with the connection below. */
export const HTTP2 = "HTTP/2";
