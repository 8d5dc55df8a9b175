import { deferred, type Deferred } from "./deferred.ts";

/** How much of something is under way, for those who wait until nothing is. */
export class Tally {
  #count = 0;
  #idle: Deferred<void> | undefined;

  start(): void {
    this.#count++;
  }

  /** Not bound to anything, so that it can be passed on as it is. */
  readonly end = (): void => {
    if (--this.#count > 0) return;
    this.#idle?.resolve();
    this.#idle = undefined;
  };

  /** Resolves once nothing is under way. */
  whenIdle(): Promise<void> {
    if (this.#count === 0) return Promise.resolve();
    this.#idle ??= deferred();
    return this.#idle.promise;
  }
}
