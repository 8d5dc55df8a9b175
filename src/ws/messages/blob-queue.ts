import { Fifo } from "../../streams/fifo.ts";
import type { SendCallback } from "./callbacks.ts";

/** The owner of a {@link BlobQueue}. One of these methods is called when the queue ends. */
export interface BlobQueueOwner {
  /** The queue is empty. It must not be used afterwards. */
  onBlobsSent(): void;
  /** A Blob could not be read. The callbacks of everything that waited have been called with `error`. */
  onBlobFailed(error: Error): void;
}

/**
 * Keeps messages in order while a Blob is read: later messages wait until it has been read. A WebSocket has a
 * queue only during that time, so that applications without Blobs do not pay for it.
 */
export class BlobQueue {
  /** The tasks after the current one. */
  readonly #tasks = new Fifo<Task>();
  /** The task with the Blob that is being read; undefined after the last task. */
  #current: Task | undefined;
  readonly #owner: BlobQueueOwner;
  #queuedBytes = 0;

  constructor(owner: BlobQueueOwner) {
    this.#owner = owner;
  }

  /** The number of bytes in the queue, without framing. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** Reads `blob` after all earlier tasks, and passes its bytes to `send`. */
  addBlob(blob: Blob, send: (bytes: Uint8Array) => void, callback: SendCallback | undefined): void {
    this.#add({ byteLength: blob.size, blob, run: send, callback });
  }

  /** Calls `run` after all earlier tasks. */
  add(byteLength: number, run: () => void, callback: SendCallback | undefined): void {
    this.#add({ byteLength, run, callback });
  }

  /** Drops all tasks, and calls their callbacks with `error` in the next tick. */
  abandon(error: Error): void {
    for (; this.#current !== undefined; this.#current = this.#tasks.shift()) {
      const { callback } = this.#current;
      if (callback !== undefined) process.nextTick(callback, error);
    }
    this.#owner.onBlobsSent();
  }

  #add(task: Task): void {
    this.#queuedBytes += task.byteLength;
    this.#tasks.push(task);
    if (this.#current === undefined) this.#runTasks();
  }

  /** Runs the tasks up to the next Blob, and then reads that Blob. */
  #runTasks(): void {
    while ((this.#current = this.#tasks.shift()) !== undefined) {
      const task = this.#current;
      if (task.blob !== undefined) {
        this.#read(task, task.blob);
        return;
      }
      this.#finish(task, NOTHING);
    }
    this.#owner.onBlobsSent();
  }

  #read(task: Task, blob: Blob): void {
    blob.arrayBuffer().then(
      (buffer) => {
        if (this.#current !== task) return;
        this.#finish(task, new Uint8Array(buffer));
        this.#runTasks();
      },
      (cause: unknown) => {
        if (this.#current === task) this.#fail(cause);
      },
    );
  }

  #fail(cause: unknown): void {
    const error = cause instanceof Error ? cause : new Error(CANNOT_READ);
    this.abandon(error);
    process.nextTick(() => this.#owner.onBlobFailed(error));
  }

  #finish(task: Task, bytes: Uint8Array): void {
    this.#queuedBytes -= task.byteLength;
    try {
      task.run(bytes);
    } catch (error) {
      // A function of the application has thrown. The tasks after this one must still run.
      process.nextTick(rethrow, error);
    }
  }
}

function rethrow(error: unknown): never {
  throw error;
}

interface Task {
  readonly byteLength: number;
  readonly blob?: Blob;
  readonly run: (bytes: Uint8Array) => void;
  readonly callback: SendCallback | undefined;
}

const NOTHING = new Uint8Array(0);

const CANNOT_READ = "The blob could not be read";
