import type { LinkOptions } from "tideway/testing";

/** The links in memory over which what works over TCP has to work too, by their names. */
export const LINKS: Readonly<Record<string, LinkOptions>> = {
  memory: {},
  "memory, split at every byte": { maxChunkBytes: 1 },
  "memory, seven bytes at a time and late": { maxChunkBytes: 7, latencyMs: 1 },
  "memory with hardly a buffer": { bufferBytes: 16 },
};

/** Names TCP with sockets that read each by itself, as where Node does not let them share a buffer. */
export const TCP_UNSHARED = "TCP, each socket reading by itself";

/** Names HTTP/2, over which conversations go, but nothing that has to do with the connection below. */
export const HTTP2 = "HTTP/2";
