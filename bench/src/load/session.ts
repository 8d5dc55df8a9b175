import { cpuTime } from "../run/cpu-time.ts";
import type { RunOrder, TrafficRound } from "./protocol.ts";

/** The number of connections to open at once. More would overflow the accept queue of some servers. */
const OPENING_AT_ONCE = 64;

/** The additional time to wait for a message, and the interval of the checks. */
const TIMEOUT_MS = 5000;
const CHECK_MS = 50;

/** One round of load. It fails as soon as a connection fails. */
export class Session {
  readonly #order: RunOrder;
  readonly #failed: Promise<never>;
  #fail: (error: Error) => void = () => {};

  constructor(order: RunOrder) {
    this.#order = order;
    this.#failed = new Promise((_, reject) => {
      this.#fail = reject;
    });
    this.#failed.catch(() => {});
  }

  readonly onFailed = (error: Error): void => {
    this.#fail(error);
  };

  /** Calls `open` `count` times, some at once. Connecting is not measured. */
  async openAll<Opened>(count: number, open: () => Promise<Opened>): Promise<Opened[]> {
    const opened: Opened[] = [];
    while (opened.length < count) {
      const batch = Math.min(OPENING_AT_ONCE, count - opened.length);
      const opening = Promise.all(Array.from({ length: batch }, open));
      opened.push(...(await this.orFailure(opening)));
    }
    return opened;
  }

  /** Waits for the warm-up, then measures for `measuredMs`. */
  async measure(messagesSoFar: () => number): Promise<TrafficRound> {
    await this.#waitForMore(messagesSoFar, this.#order.warmUpMs);
    const before = this.#sample(messagesSoFar());
    await this.#waitForMore(messagesSoFar, this.#order.measuredMs);
    const after = this.#sample(messagesSoFar());
    return {
      messages: after.messages - before.messages,
      wallSeconds: after.wallSeconds - before.wallSeconds,
      subjectCpuSeconds: after.subjectCpuSeconds - before.subjectCpuSeconds,
      subjectKernelSeconds: after.subjectKernelSeconds - before.subjectKernelSeconds,
      loadCpuSeconds: after.loadCpuSeconds - before.loadCpuSeconds,
    };
  }

  /** Waits for `milliseconds`, or longer if no message has arrived, because the machine may be busy. */
  async #waitForMore(messagesSoFar: () => number, milliseconds: number): Promise<void> {
    const before = messagesSoFar();
    await this.wait(milliseconds);
    for (let waitedMs = 0; waitedMs < TIMEOUT_MS; waitedMs += CHECK_MS) {
      if (messagesSoFar() > before) return;
      await this.wait(CHECK_MS);
    }
    throw new Error(`the program sent no message within ${milliseconds + TIMEOUT_MS} ms`);
  }

  wait(milliseconds: number): Promise<void> {
    return this.orFailure(
      new Promise((resolve) => {
        setTimeout(resolve, milliseconds);
      }),
    );
  }

  orFailure<Value>(promise: Promise<Value>): Promise<Value> {
    return Promise.race([promise, this.#failed]);
  }

  #sample(messages: number): TrafficRound {
    const subject = cpuTime(this.#order.subject.pids);
    return {
      messages,
      wallSeconds: performance.now() / 1000,
      subjectCpuSeconds: subject.seconds,
      subjectKernelSeconds: subject.kernelSeconds,
      loadCpuSeconds: cpuTime([process.pid]).seconds,
    };
  }
}
