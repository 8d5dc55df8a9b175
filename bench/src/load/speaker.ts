import { LoadConnection } from "./connection.ts";
import { AnyFrameCounter } from "./counters.ts";
import { DIALECTS, type Dialect } from "./dialects.ts";
import { maskedFrame } from "./frames.ts";
import type { RunOrder } from "./protocol.ts";
import type { Session } from "./session.ts";

const TEXT = 0x81;

/** A connection that speaks the dialect of the program under test. */
export class Speaker {
  readonly #counter = new AnyFrameCounter();
  #connection: LoadConnection | undefined;
  #onMessages: (count: number) => void = () => {};
  /** Messages that have arrived before `answers` was called. */
  #early = 0;

  /** Connects, and exchanges the messages of the prelude. */
  async open({ subject }: RunOrder, session: Session, path?: string): Promise<void> {
    const dialect = path === undefined ? DIALECTS[subject.dialect!] : plain(path);
    this.#onMessages = (count) => {
      this.#early += count;
    };
    const listener = { onBytes: this.#onBytes, onFailed: session.onFailed };
    this.#connection = await LoadConnection.open(subject, listener, dialect);
    for (const { send = [], answers } of dialect.prelude) {
      this.write(frames(send));
      await session.orFailure(this.#answers(answers));
    }
    this.#onMessages = () => {};
  }

  /** Calls back with the number of messages in each chunk that arrives. */
  listen(onMessages: (count: number) => void): void {
    this.#onMessages = onMessages;
  }

  write(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#connection?.write(bytes);
  }

  reset(): void {
    this.#connection?.reset();
  }

  #answers(count: number): Promise<void> {
    return new Promise((resolve) => {
      const check = (more: number): void => {
        this.#early += more;
        if (this.#early < count) return;
        this.#early -= count;
        resolve();
      };
      this.#onMessages = check;
      check(0);
    });
  }

  readonly #onBytes = (bytes: Buffer, end: number): void => {
    const count = this.#counter.count(bytes, 0, end);
    if (count > 0) this.#onMessages(count);
  };
}

/** Masked text frames. */
export function frames(texts: readonly string[]): Buffer {
  return Buffer.concat(texts.map((text) => maskedFrame(TEXT, Buffer.from(text))));
}

function plain(path: string): Dialect {
  return { path, prelude: [], call: () => "" };
}
