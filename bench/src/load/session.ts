import { cpuTime } from "../run/cpu-time.ts";
import type { RunOrder, TrafficRound } from "./protocol.ts";

/** More would overrun the queues of servers that accept one at a time. */
const OPENING_AT_ONCE = 64;

/** How much longer to wait for a message, and how often to check. */
const TIMEOUT_MS = 5000;
const CHECK_MS = 50;

/** One round of load: it fails as a whole as soon as anything in it fails. */
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

  /** Calls `open` so many times, a few at once: connecting is not measured. */
  async openAll<Opened>(count: number, open: () => Promise<Opened>): Promise<Opened[]> {
    const opened: Opened[] = [];
    while (opened.length < count) {
      const batch = Math.min(OPENING_AT_ONCE, count - opened.length);
      const opening = Promise.all(Array.from({ length: batch }, open));
      opened.push(...(await this.orFailure(opening)));
    }
    return opened;
  }

  /** Waits for the warm-up, then measures what is done until the end. */
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

  /** Waits longer on a busy machine, where the program may not have had its turn yet. */
  async #waitForMore(messagesSoFar: () => number, milliseconds: number): Promise<void> {
    const before = messagesSoFar();
    await this.wait(milliseconds);
    for (let waitedMs = 0; waitedMs < TIMEOUT_MS; waitedMs += CHECK_MS) {
      if (messagesSoFar() > before) return;
      await this.wait(CHECK_MS);
    }
    throw new Error("no message came through");
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
