import { BrokerError } from "../errors/index.ts";
import type { Broker } from "./broker.ts";
import type { TopicData } from "./publication.ts";
import type { Content } from "./recent-publications.ts";

/** The timers of a runtime; `globalThis` has them. */
export interface Timers {
  setTimeout(callback: () => void, delayMs: number): unknown;
  clearTimeout(timer: never): void;
}

/** What everything on one node shares. */
export interface TopicsEnvironment {
  readonly broker: Broker;
  readonly timers: Timers;
  readonly requestTimeoutMs: number;
  readonly presenceTtlMs: number;
  /** Makes of what is for many sockets what is sent to them. */
  share(content: TopicData): Content;
  /** Tells of what nobody waits for; never throws. */
  report(error: unknown, topic: string): void;
}

/** What `promise` resolves with, unless that takes too long. @throws BrokerError `BROKER_TIMEOUT` */
export function withTimeout<T>(context: TopicsEnvironment, promise: Promise<T>): Promise<T> {
  const { timers, requestTimeoutMs } = context;
  return new Promise((resolve, reject) => {
    const timer = timers.setTimeout(() => {
      reject(
        new BrokerError("BROKER_TIMEOUT", `no answer within requestTimeoutMs ${requestTimeoutMs}`),
      );
    }, requestTimeoutMs);
    promise.finally(() => timers.clearTimeout(timer as never)).then(resolve, reject);
  });
}

/** Resolves after `delayMs`, which keeps no process alive. */
export function delay(timers: Timers, delayMs: number): Promise<void> {
  return new Promise((resolve) => letExit(timers.setTimeout(resolve, delayMs)));
}

/** Calls back again and again until stopped, which keeps no process alive. */
export function every(timers: Timers, intervalMs: number, callback: () => void): () => void {
  let timer: unknown;
  const wait = (): void => {
    timer = timers.setTimeout(() => {
      wait();
      callback();
    }, intervalMs);
    letExit(timer);
  };
  wait();
  return () => timers.clearTimeout(timer as never);
}

function letExit(timer: unknown): void {
  (timer as { unref?: () => void }).unref?.();
}

/** How long to wait after so many failures in a row. */
export function backoffMs(failures: number): number {
  return Math.min(5_000, 50 * 2 ** failures) * (0.5 + Math.random() / 2);
}
