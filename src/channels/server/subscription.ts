import type { TopicData, TopicSocket, TopicSubscription } from "../../topics/index.ts";
import type { ChannelConnection } from "./connection.ts";
import { SharedPublication, type TopicEntry } from "./topic-table.ts";

/** The values of `readyState` in the WHATWG interface. */
const OPEN = 1;
const CLOSED = 3;

/** The callbacks of the promise `drained` of a subscription that cannot send. */
interface Waiting {
  readonly promise: Promise<void>;
  resolve(): void;
  reject(error: Error): void;
}

/**
 * The subscription of one connection to one topic: a socket that topics send to. Its credit says how many
 * bytes the client has room for. Without credit it refuses publications, and only this topic waits.
 *
 * There may be many thousands, so it has few fields.
 */
export class Subscription implements TopicSocket {
  readonly entry: TopicEntry;
  readonly #connection: ChannelConnection;
  #state: "starting" | "live" | "ended" = "starting";
  /** The id of the subscribe frame, until it is answered; then 0. */
  #requestId: number;
  #credit: number;
  #source: TopicSubscription | undefined;
  #waiting: Waiting | undefined;

  constructor(connection: ChannelConnection, entry: TopicEntry, requestId: number, credit: number) {
    this.entry = entry;
    this.#connection = connection;
    this.#requestId = requestId;
    this.#credit = credit;
  }

  /** The id of the subscribe frame, if it is not answered yet; otherwise 0. */
  get requestId(): number {
    return this.#requestId;
  }

  get isEnded(): boolean {
    return this.#state === "ended";
  }

  get readyState(): number {
    return this.#state === "ended" ? CLOSED : OPEN;
  }

  get bufferedAmount(): number {
    return this.#connection.bufferedAmount;
  }

  get drained(): Promise<void> {
    if (this.#state === "ended") return rejected();
    if (this.#canSend) return Promise.resolve();
    this.#waiting ??= waiting();
    return this.#waiting.promise;
  }

  /** Starts to send. Call it after the client was told that it is subscribed. */
  start(source: TopicSubscription | undefined): void {
    this.#source = source;
    this.#state = "live";
    this.#requestId = 0;
    this.wake();
  }

  send(data: TopicData | SharedPublication): boolean {
    if (data instanceof SharedPublication) {
      if (!this.#canSend) return false;
      this.#credit -= data.byteLength;
      return this.#connection.send(data.prepared);
    }
    // A notice: the client has no credit for it, and it is small.
    if (this.#state !== "live" || this.#connection.isFull) return false;
    return this.#connection.send(data);
  }

  /** Topics were closed, or cannot tell the client about a loss. It must reconnect. */
  close(code: number, reason: string): void {
    this.#connection.session.close(code, reason);
  }

  addCredit(bytes: number, maxBytes: number): void {
    this.#credit = Math.min(maxBytes, this.#credit + bytes);
    this.wake();
  }

  /** Continues if it has credit, and the connection has room. */
  wake(): void {
    if (this.#waiting === undefined || !this.#canSend) return;
    this.#waiting.resolve();
    this.#waiting = undefined;
  }

  /** Ends the subscription. The connection stays open. */
  end(): void {
    if (this.#state === "ended") return;
    this.#state = "ended";
    this.#source?.unsubscribe();
    this.#source = undefined;
    this.#waiting?.reject(new Error("the subscription has ended"));
    this.#waiting = undefined;
  }

  get #canSend(): boolean {
    return this.#state === "live" && this.#credit > 0 && !this.#connection.isFull;
  }
}

function waiting(): Waiting {
  let settle!: Pick<Waiting, "resolve" | "reject">;
  const promise = new Promise<void>((resolve, reject) => (settle = { resolve, reject }));
  promise.catch(() => {});
  return { promise, ...settle };
}

function rejected(): Promise<never> {
  const promise = Promise.reject(new Error("the subscription has ended"));
  promise.catch(() => {});
  return promise;
}
