import { type Message, readBlob } from "./message-data.ts";

export interface OutboxHandler {
  /** Passes a message on, in the order in which they were added. */
  pass(message: string | Uint8Array, byteLength: number): void;
  /** A Blob cannot be read; nothing more is passed on. */
  onReadError(error: unknown): void;
}

/**
 * Keeps messages in order when one of them is a Blob, which can only be read asynchronously: the
 * Blob and all that is sent after it wait here.
 */
export class Outbox {
  readonly #handler: OutboxHandler;
  #items: { readonly message: Message; readonly byteLength: number }[] = [];
  #whenEmpty: (() => void) | undefined;

  constructor(handler: OutboxHandler) {
    this.#handler = handler;
  }

  get isEmpty(): boolean {
    return this.#items.length === 0;
  }

  /** Bytes of payload that wait for a Blob to be read. */
  get byteLength(): number {
    return this.#items.reduce((sum, item) => sum + item.byteLength, 0);
  }

  /** Adds a message, whose bytes MUST NOT change any more. */
  add(message: Message, byteLength: number): void {
    this.#items.push({ message, byteLength });
    if (this.#items.length === 1) void this.#flush();
  }

  /** Calls back once everything added so far has been passed on; at once if nothing waits. */
  whenEmpty(callback: () => void): void {
    if (this.isEmpty) callback();
    else this.#whenEmpty = callback;
  }

  /** Forgets what waits. */
  clear(): void {
    this.#items = [];
    this.#whenEmpty = undefined;
  }

  async #flush(): Promise<void> {
    const items = this.#items;
    // `clear` makes another array: what this loop was reading is not passed on then.
    while (items === this.#items && items.length > 0) {
      const { message, byteLength } = items[0];
      if (typeof message !== "string" && !ArrayBuffer.isView(message)) {
        let bytes: Uint8Array;
        try {
          bytes = await readBlob(message);
        } catch (error) {
          if (items === this.#items) this.#handler.onReadError(error);
          return;
        }
        if (items !== this.#items) return;
        this.#handler.pass(bytes, byteLength);
      } else this.#handler.pass(message, byteLength);
      items.shift();
    }
    if (items === this.#items) this.#whenEmpty?.();
  }
}
