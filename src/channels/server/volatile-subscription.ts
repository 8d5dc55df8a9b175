import { CreditedSubscription } from "./credited-subscription.ts";
import type { SharedPublication } from "./shared-publication.ts";
import type { WaitingMessage } from "./volatile-backlog.ts";
import type { VolatileSubscriber } from "./volatile-feed.ts";

/** The latest message of one sender, while it waits. */
class LatestMessage implements WaitingMessage {
  readonly message: SharedPublication;
  readonly #drop: () => void;

  constructor(message: SharedPublication, drop: () => void) {
    this.message = message;
    this.#drop = drop;
  }

  get byteLength(): number {
    return this.message.byteLength;
  }

  drop(): void {
    this.#drop();
  }
}

/**
 * The subscription to a volatile topic. Without credit, or while the connection is full, it keeps the latest
 * message of each sender.
 */
export class VolatileSubscription extends CreditedSubscription implements VolatileSubscriber {
  /** By sender. The sender of the oldest message is first. Undefined if no message waits. */
  #waiting: Map<string, LatestMessage> | undefined;

  /** Starts to send. Call it after the server has sent `subscribed`. */
  start(): void {
    this.begin();
  }

  offer(sender: string, message: SharedPublication): void {
    if (!this.isLive) return;
    if (this.#waiting === undefined && this.canSend) this.#send(message);
    else this.#keep(sender, message);
  }

  wake(): void {
    for (const [sender, { message }] of this.#waiting ?? []) {
      if (!this.canSend) return;
      this.#remove(sender);
      this.#send(message);
    }
  }

  override end(): void {
    this.entry.volatileFeed.remove(this);
    super.end();
    for (const sender of this.#waiting?.keys() ?? []) this.#remove(sender);
  }

  /** Beyond the limits on the senders and on the bytes, the oldest message is dropped. */
  #keep(sender: string, message: SharedPublication): void {
    const { environment, volatileBacklog } = this.connection;
    this.#remove(sender);
    const waiting = (this.#waiting ??= new Map<string, LatestMessage>());
    const latest = new LatestMessage(message, () => this.#remove(sender));
    waiting.set(sender, latest);
    if (waiting.size > environment.limits.maxVolatileSenders) {
      const [oldest] = waiting.keys();
      this.#remove(oldest);
    }
    volatileBacklog.add(latest);
  }

  #remove(sender: string): void {
    const latest = this.#waiting?.get(sender);
    if (latest === undefined) return;
    this.connection.volatileBacklog.remove(latest);
    this.#waiting!.delete(sender);
    if (this.#waiting!.size === 0) this.#waiting = undefined;
  }

  #send(message: SharedPublication): void {
    if (this.pay(message.byteLength)) this.connection.send(message.prepared);
  }
}
