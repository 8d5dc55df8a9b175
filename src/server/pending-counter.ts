import { deferred, type Deferred } from "./deferred.ts";

/** Counts pending work, so that a caller can wait until none is left. */
export class PendingCounter {
  #count = 0;
  #idle: Deferred<void> | undefined;

  start(): void {
    this.#count++;
  }

  /** An arrow function, so that it can be passed as a callback. */
  readonly end = (): void => {
    if (--this.#count > 0) return;
    this.#idle?.resolve();
    this.#idle = undefined;
  };

  /** Resolves once nothing is pending. */
  whenIdle(): Promise<void> {
    if (this.#count === 0) return Promise.resolve();
    this.#idle ??= deferred();
    return this.#idle.promise;
  }
}
