import { versions } from "node:process";

/** The number of bytes of messages for each array that is allocated, and the size of such an array. */
const BYTES_PER_ARRAY = 16_384;
const ARRAY_LENGTH = 512;

/** Whether JavaScript runs on V8, as in Node.js and Deno. Bun uses JavaScriptCore. */
export const USES_V8: boolean = versions["bun"] === undefined;

/** Fills the young heap with unused arrays, a quarter as large as the memory that it counts. */
export class CollectionPace {
  /** The latest array. It is public so that the compiler cannot leave out the allocation. */
  latestArray: unknown[] | undefined;
  #bytesSinceArray = 0;

  /** Counts memory outside of the heap. */
  count(byteLength: number): void {
    this.#bytesSinceArray += byteLength;
    while (this.#bytesSinceArray >= BYTES_PER_ARRAY) {
      this.#bytesSinceArray -= BYTES_PER_ARRAY;
      // oxlint-disable-next-line unicorn/no-new-array -- Array.from takes 60 times as long
      this.latestArray = new Array<unknown>(ARRAY_LENGTH);
    }
  }
}

/** The young heap belongs to the whole process. */
export const pace: CollectionPace = new CollectionPace();

/**
 * Makes V8 collect young garbage before the memory of received messages amounts to 32 MB. Call it for memory
 * outside of the heap, with its size.
 *
 * V8 counts the memory of dead messages as part of the old generation until a background thread has freed it.
 * If all 32 MB are dead at once, the old generation seems to exceed its limit, and V8 marks the whole heap
 * (bench: binary-16k). It collects young garbage when the young heap is full.
 */
export function paceCollection(byteLength: number): void {
  if (USES_V8) pace.count(byteLength);
}
