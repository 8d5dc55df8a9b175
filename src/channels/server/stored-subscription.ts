import type { PreparedMessage } from "../../protocol/prepared-message.ts";
import type { TopicData, TopicSocket } from "../../topics/index.ts";
import { CreditedSubscription } from "./credited-subscription.ts";
import { SharedPublication } from "./shared-publication.ts";

/** The values of `readyState` in the WHATWG interface. */
const OPEN = 1;
const CLOSED = 3;

/** The promise `drained` of a subscription that cannot send. */
interface Waiting {
  readonly promise: Promise<void>;
  resolve(): void;
  reject(error: Error): void;
}

/** The subscription to a topic that stores its publications: a socket that topics send to. */
export class StoredSubscription extends CreditedSubscription implements TopicSocket {
  #waiting: Waiting | undefined;

  get readyState(): number {
    return this.isEnded ? CLOSED : OPEN;
  }

  get bufferedAmount(): number {
    return this.connection.bufferedAmount;
  }

  get drained(): Promise<void> {
    if (this.isEnded) return rejected();
    if (this.canSend) return Promise.resolve();
    this.#waiting ??= waiting();
    return this.#waiting.promise;
  }

  /** Starts to send. Call it after the server has sent `subscribed`. */
  start(): void {
    this.begin();
    this.wake();
  }

  /** Refuses a publication without credit. Notices need none, because they are small. */
  send(data: TopicData | PreparedMessage | SharedPublication): boolean {
    if (data instanceof SharedPublication) {
      return this.canSend && this.pay(data.byteLength) && this.connection.send(data.prepared);
    }
    return this.isLive && !this.connection.isFull && this.connection.send(data);
  }

  /** Topics were closed, or cannot tell the client about a loss. The client must reconnect. */
  close(code: number, reason: string): void {
    this.connection.session.close(code, reason);
  }

  wake(): void {
    if (this.#waiting === undefined || !this.canSend) return;
    this.#waiting.resolve();
    this.#waiting = undefined;
  }

  override end(): void {
    if (this.isEnded) return;
    super.end();
    // Not by the result of `subscribe`, which would take memory until now.
    this.entry.topic.unsubscribe(this);
    this.#waiting?.reject(ended());
    this.#waiting = undefined;
  }
}

function waiting(): Waiting {
  let settle!: Pick<Waiting, "resolve" | "reject">;
  const promise = new Promise<void>((resolve, reject) => (settle = { resolve, reject }));
  promise.catch(() => {});
  return { promise, ...settle };
}

function rejected(): Promise<never> {
  const promise = Promise.reject(ended());
  promise.catch(() => {});
  return promise;
}

function ended(): Error {
  return new Error("the subscription has ended");
}
