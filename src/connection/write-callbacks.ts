import type { TidewayError } from "../errors/index.ts";

type WriteCallback = (error?: TidewayError) => void;

/** The callbacks that wait until output was written. */
export class WriteCallbacks {
  /** They wait for output that has not been passed to the transport. */
  #next: WriteCallback[] = [];
  /** They wait for the output that the transport is writing. */
  #current: WriteCallback[] = [];

  /** @param hasOutput whether there is output that has not been passed to the transport */
  add(callback: WriteCallback, hasOutput: boolean): void {
    (hasOutput ? this.#next : this.#current).push(callback);
  }

  /** Call this when all output is passed to the transport. */
  begin(): void {
    if (this.#next.length === 0) return;
    this.#current = [...this.#current, ...this.#next];
    this.#next = [];
  }

  /** Call this when the transport has written its output. */
  succeed(): void {
    const written = this.#current;
    if (written.length === 0) return;
    this.#current = [];
    for (const callback of written) callback();
  }

  /** Call this when the output that waits is dropped. */
  fail(error: TidewayError): void {
    const dropped = [...this.#current, ...this.#next];
    this.#current = [];
    this.#next = [];
    for (const callback of dropped) callback(error);
  }
}
