import { afterTask } from "./after-task.ts";

/**
 * State outside of React, for `useSyncExternalStore`. It starts with its first subscriber, and stops one task
 * after its last one has gone. So it continues when StrictMode unmounts a component and mounts it again.
 */
export abstract class ExternalStore<Snapshot> {
  readonly #listeners = new Set<() => void>();
  #snapshot: Snapshot;
  #isRunning = false;

  constructor(snapshot: Snapshot) {
    this.#snapshot = snapshot;
  }

  readonly getSnapshot = (): Snapshot => this.#snapshot;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    if (!this.#isRunning) {
      this.#isRunning = true;
      this.start();
    }
    return () => {
      this.#listeners.delete(listener);
      afterTask(() => this.#stopIfUnused());
    };
  };

  /** Whether a component uses the store, or did so in this task. */
  protected get isRunning(): boolean {
    return this.#isRunning;
  }

  /** Replaces the snapshot, and renders the components that use it. */
  protected update(snapshot: Snapshot): void {
    this.#snapshot = snapshot;
    for (const listener of this.#listeners) listener();
  }

  protected abstract start(): void;

  protected abstract stop(): void;

  #stopIfUnused(): void {
    if (!this.#isRunning || this.#listeners.size > 0) return;
    this.#isRunning = false;
    this.stop();
  }
}
