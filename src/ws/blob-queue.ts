/**
 * Keeps messages in order while a Blob is read: later messages wait until it has been read. A WebSocket has a
 * queue only during that time, so that applications without Blobs do not pay for it.
 */
export class BlobQueue {
  readonly #tasks: Task[] = [];
  readonly #onEmpty: () => void;
  #queuedBytes = 0;

  /** @param onEmpty called when the queue is empty. The queue must not be used afterwards. */
  constructor(onEmpty: () => void) {
    this.#onEmpty = onEmpty;
  }

  /** The number of bytes in the queue, without framing. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** Reads `blob` after all earlier tasks, and passes its bytes to `send`, or an error. */
  addBlob(blob: Blob, send: (bytes: Uint8Array | Error) => void): void {
    this.#add({ byteLength: blob.size, blob, run: send });
  }

  /** Calls `run` after all earlier tasks. */
  add(byteLength: number, run: () => void): void {
    this.#add({ byteLength, run });
  }

  #add(task: Task): void {
    this.#queuedBytes += task.byteLength;
    if (this.#tasks.push(task) === 1) this.#runTasks();
  }

  /** Runs the tasks up to the next Blob, and then reads that Blob. */
  #runTasks(): void {
    let [task] = this.#tasks;
    while (task?.blob === undefined) {
      if (task === undefined) {
        this.#onEmpty();
        return;
      }
      this.#finish(task, NOTHING);
      [task] = this.#tasks;
    }
    this.#read(task, task.blob);
  }

  #read(task: Task, blob: Blob): void {
    const finish = (bytes: Uint8Array | Error): void => {
      this.#finish(task, bytes);
      this.#runTasks();
    };
    blob.arrayBuffer().then(
      (buffer) => finish(new Uint8Array(buffer)),
      (error: unknown) => finish(error instanceof Error ? error : new Error(CANNOT_READ)),
    );
  }

  #finish(task: Task, bytes: Uint8Array | Error): void {
    this.#queuedBytes -= task.byteLength;
    try {
      task.run(bytes);
    } catch (error) {
      // A callback of the application has thrown. The tasks after this one must still run.
      process.nextTick(rethrow, error);
    }
    this.#tasks.shift();
  }
}

function rethrow(error: unknown): never {
  throw error;
}

interface Task {
  readonly byteLength: number;
  readonly blob?: Blob;
  readonly run: (bytes: Uint8Array | Error) => void;
}

const NOTHING = new Uint8Array(0);

const CANNOT_READ = "The blob could not be read";
