import {
  checkBoolean,
  checkFunction,
  checkRecord,
  invalidOption,
} from "../../errors/check-options.ts";
import type { LossReason } from "../../topic-names/loss-reason.ts";
/// <reference lib="esnext.disposable" preserve="true" />
import type { Position } from "../broker/position.ts";
import type { Subscriber } from "./subscriber.ts";
import type { SubscriberStart } from "./subscriber-start.ts";
import type { EncodeTopicMessage } from "../messages/topic-message.ts";

/** Options of `topic.subscribe`. */
export interface SubscribeOptions {
  /**
   * The position of the last publication that the subscriber has received, as a `Position` or as the text
   * that the client sent. The subscriber first gets the publications after it. `null` and the empty string
   * count as no position. Any other value results in `recovered: false` with the reason `"invalid-position"`.
   * Default: no position, so the subscriber starts with the next publication.
   */
  readonly since?: unknown;
  /**
   * How many of the latest publications to send first if `since` is absent, `null` or an empty string. The
   * subscriber gets fewer if the history has fewer, and at most `historySize`. The result then has
   * `recovered: false` and the reason `"no-position"`. An integer, 0 or more. Default: 0.
   */
  readonly last?: number;
  /**
   * Encodes the messages to this subscriber. Pass the same function object for all subscribers with this
   * encoding: a server calls each function once for each publication. Default: the topic's `encode` option.
   */
  readonly encode?: EncodeTopicMessage;
  /**
   * Whether the subscriber gets messages about members, if the topic's `presence` option is on. Default:
   * `true`.
   */
  readonly members?: boolean;
}

/** The subscription of a socket to a topic. It ends when the socket's `done` settles. */
export interface TopicSubscription extends Disposable {
  /** The position where the subscription starts: the socket gets every publication after it. */
  readonly position: Position;
  /** Whether `position` is the value of `since`, so that the socket misses no publication. */
  readonly recovered: boolean;
  /** The reason if `recovered` is false. */
  readonly reason?: LossReason | "no-position";
  /** Ends the subscription. The socket stays open. */
  unsubscribe(): void;
}

/** Holds only what an application may ask for, because a server may have very many subscriptions. */
export class Subscription implements TopicSubscription {
  readonly position: Position;
  readonly recovered: boolean;
  readonly reason?: LossReason | "no-position";
  readonly #subscriber: Subscriber;

  constructor({ position, recovered, reason }: SubscriberStart, subscriber: Subscriber) {
    this.position = position;
    this.recovered = recovered;
    if (reason !== undefined) this.reason = reason;
    this.#subscriber = subscriber;
  }

  unsubscribe(): void {
    this.#subscriber.end();
  }

  [Symbol.dispose](): void {
    this.#subscriber.end();
  }
}

/** @throws UsageError `INVALID_OPTION` */
export function checkSubscribeOptions(options: SubscribeOptions): void {
  checkRecord("subscribe", options);
  const { last = 0, encode, members } = options;
  checkFunction("subscribe", "encode", encode);
  checkBoolean("subscribe", "members", members);
  if (Number.isSafeInteger(last) && last >= 0) return;
  throw invalidOption("subscribe", "last", last, "an integer, 0 or more");
}
