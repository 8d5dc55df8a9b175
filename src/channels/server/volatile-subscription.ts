import { CreditedSubscription } from "./credited-subscription.ts";
import type { SharedPublication } from "./shared-publication.ts";
import type { VolatileSubscriber } from "./volatile-feed.ts";

/**
 * The subscription to a volatile topic. Without credit, or while the connection is full, it keeps the latest
 * message of each sender.
 */
export class VolatileSubscription extends CreditedSubscription implements VolatileSubscriber {
  /** By sender. The sender of the oldest message is first. */
  #waiting: Map<string, SharedPublication> | undefined;

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
    for (const [sender, message] of this.#waiting ?? []) {
      if (!this.canSend) return;
      this.#waiting!.delete(sender);
      this.#send(message);
    }
    if (this.#waiting?.size === 0) this.#waiting = undefined;
  }

  override end(): void {
    this.entry.volatileFeed.remove(this);
    super.end();
    this.#waiting = undefined;
  }

  /** Beyond the limit on the senders, the oldest message is dropped. */
  #keep(sender: string, message: SharedPublication): void {
    const waiting = (this.#waiting ??= new Map<string, SharedPublication>());
    waiting.delete(sender);
    waiting.set(sender, message);
    if (waiting.size <= this.connection.environment.limits.maxVolatileSenders) return;
    const [oldest] = waiting.keys();
    waiting.delete(oldest);
  }

  #send(message: SharedPublication): void {
    if (this.pay(message.byteLength)) this.connection.send(message.prepared);
  }
}
