import { versions } from "node:process";

/** The number of bytes of messages for each array that is allocated, and the size of such an array. */
const BYTES_PER_ARRAY = 16_384;
const ARRAY_LENGTH = 1024;

/** Bun does not use V8. */
const USES_V8 = versions["bun"] === undefined;

let bytesSinceArray = 0;

/** The latest array. It is exported so that the compiler cannot leave out the allocation. */
export let latestArray: unknown[] | undefined;

/**
 * Makes V8 collect young garbage before the memory of received messages amounts to 32 MB. Call it for memory
 * outside of the heap, with its size.
 *
 * V8 counts the memory of dead messages as part of the old generation until a background thread has freed it.
 * If all 32 MB are dead at once, the old generation seems to exceed its limit, and V8 marks the whole heap
 * (bench: binary-16k). It collects young garbage when the young heap is full, so this function fills the
 * young heap with unused arrays. They are half as large as the messages.
 */
export function paceCollection(byteLength: number): void {
  if (!USES_V8) return;
  bytesSinceArray += byteLength;
  while (bytesSinceArray >= BYTES_PER_ARRAY) {
    bytesSinceArray -= BYTES_PER_ARRAY;
    // oxlint-disable-next-line unicorn/no-new-array -- Array.from takes 60 times as long
    latestArray = new Array<unknown>(ARRAY_LENGTH);
  }
}
