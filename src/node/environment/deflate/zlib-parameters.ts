/**
 * zlib's memLevel for messages. Its hash table has to be cleared for each message where contexts are
 * not taken over; a small one does for messages that are small themselves (bench: deflate).
 */
export const MEMORY_LEVEL = 5;

/** What a sync flush ends with; the sender leaves it out, the receiver adds it (RFC 7692 7.2). */
export const FLUSH_TAIL: Uint8Array = Uint8Array.of(0x00, 0x00, 0xff, 0xff);

/** An empty last block. What ends with it and inflates to its end was cut off nowhere. */
export const LAST_BLOCK: Uint8Array = Uint8Array.of(0x01, 0x00, 0x00, 0xff, 0xff);
