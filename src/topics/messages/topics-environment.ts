import type { DebugLog } from "../../errors/debug-log.ts";
import { BrokerError } from "../../errors/index.ts";
import type { Broker } from "../broker/broker.ts";
import type { TopicData } from "../broker/publication.ts";
import { settleWithin, type Timers } from "../broker/timers.ts";
import type { Content } from "./recent-publications.ts";

/** The values and functions that all parts of one `Topics` share. */
export interface TopicsEnvironment {
  readonly broker: Broker;
  readonly timers: Timers;
  readonly requestTimeoutMs: number;
  readonly publishTimeoutMs: number;
  readonly presenceTtlMs: number;
  readonly log: DebugLog;
  /** Prepares a message for many sockets, with the option `prepare`. */
  share(content: TopicData): Content;
  /** Reports an error of work in the background. Never throws. */
  report(error: unknown, topic: string): void;
  /** @throws BrokerError `BROKER_CLOSED` after `close` of the `Topics` */
  checkOpen(): void;
}

/**
 * Awaits `promise` for at most `requestTimeoutMs`.
 *
 * @throws BrokerError `BROKER_TIMEOUT` if it has not settled by then
 */
export function withTimeout<T>(environment: TopicsEnvironment, promise: Promise<T>): Promise<T> {
  const { timers, requestTimeoutMs } = environment;
  const toError = (): BrokerError =>
    new BrokerError(
      "BROKER_TIMEOUT",
      `the broker did not answer within requestTimeoutMs ${requestTimeoutMs}`,
    );
  return settleWithin(timers, requestTimeoutMs, promise, toError);
}
