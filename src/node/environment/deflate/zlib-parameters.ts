/**
 * zlib's memLevel for messages. Without context takeover, zlib clears its hash table for each message. A
 * small table is enough for small messages (bench: deflate).
 */
export const MEMORY_LEVEL = 5;

/** The end of a sync flush. The sender removes it, the receiver adds it (RFC 7692 7.2). */
export const FLUSH_TAIL: Uint8Array = Uint8Array.of(0x00, 0x00, 0xff, 0xff);

/** An empty last block. Data that ends with it and inflates completely was not cut off. */
export const LAST_BLOCK: Uint8Array = Uint8Array.of(0x01, 0x00, 0x00, 0xff, 0xff);
