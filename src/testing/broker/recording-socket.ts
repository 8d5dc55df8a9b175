import type { TopicData, TopicSocket } from "../../topics/index.ts";

/** A socket without a network. It records the messages of topics, and can simulate a slow peer. */
export class RecordingSocket implements TopicSocket {
  readonly sent: TopicData[] = [];
  readonly done: Promise<void>;
  /** 1 while open, 3 when closed. */
  readyState = 1;
  closeCode: number | undefined;
  #finish!: () => void;
  #isBlocked = false;
  #bufferedAmount = 0;
  #waiting: { readonly resolve: () => void; readonly reject: (error: Error) => void }[] = [];

  constructor() {
    this.done = new Promise((resolve) => (this.#finish = resolve));
  }

  get bufferedAmount(): number {
    return this.#bufferedAmount;
  }

  get drained(): Promise<void> {
    if (this.readyState !== 1) return Promise.reject(new Error("the socket is closed"));
    if (!this.#isBlocked) return Promise.resolve();
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /**
   * Simulates a peer that does not read. The socket accepts one more message, or none with `isFull`, and
   * then refuses messages.
   */
  block({ isFull = false }: { isFull?: boolean } = {}): void {
    this.#isBlocked = true;
    if (isFull) this.#bufferedAmount += 1;
  }

  unblock(): void {
    this.#isBlocked = false;
    this.#bufferedAmount = 0;
    for (const { resolve } of this.#waiting.splice(0)) resolve();
  }

  send(data: TopicData): boolean {
    if (this.readyState !== 1 || this.#bufferedAmount > 0) return false;
    this.sent.push(data);
    if (this.#isBlocked) this.#bufferedAmount += 2 + data.length;
    return !this.#isBlocked;
  }

  close(code: number = 1000): void {
    if (this.readyState !== 1) return;
    this.readyState = 3;
    this.closeCode = code;
    for (const { reject } of this.#waiting.splice(0)) reject(new Error("the socket was closed"));
    this.#finish();
  }
}
