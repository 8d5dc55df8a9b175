import type { NatsStoredMessage } from "./nats-client.ts";
import type { KnownTail } from "./nats-known-tails.ts";
import type { NatsStream } from "./nats-stream.ts";

/** A read of the clock of NATS. */
interface ClockRead {
  /** The time before the read, by the clock of this process. */
  readonly atMs: number;
  /** The time at NATS, in milliseconds since 1970. */
  readonly clockMs: number;
}

/**
 * Finds the age of messages by the clock of this process. It never compares this clock with the clock of NATS. If
 * this process knows a message already, its own clock determines the age. Otherwise, the clock of NATS does.
 */
export class NatsMessageAge {
  readonly #stream: NatsStream;
  readonly #maxAgeMs: number;
  readonly #nowMs: () => number;
  #clockRead: Promise<ClockRead> | undefined;

  /** @param maxAgeMs how long NATS keeps messages */
  constructor(stream: NatsStream, maxAgeMs: number, nowMs: () => number) {
    this.#stream = stream;
    this.#maxAgeMs = maxAgeMs;
    this.#nowMs = nowMs;
  }

  /**
   * Returns the earliest time at which NATS can have stored the last message of a topic.
   *
   * @param known the last message that this process knew
   */
  async notBeforeMs(
    last: NatsStoredMessage,
    known: KnownTail | undefined,
    nowMs: number,
  ): Promise<number> {
    if (known?.sequence === last.seq) return known.notBeforeMs;
    const isConfirmed = known !== undefined && nowMs - known.confirmedAtMs <= this.#maxAgeMs / 2;
    if (isConfirmed) return known.confirmedAtMs;
    const { clockMs, atMs } = await this.#readClock();
    return Math.min(nowMs, atMs) - Math.max(0, clockMs - last.time.getTime());
  }

  /** Reads the clock of NATS, at most once at a time, because each read creates a consumer. */
  #readClock(): Promise<ClockRead> {
    this.#clockRead ??= this.#startClockRead().finally(() => (this.#clockRead = undefined));
    return this.#clockRead;
  }

  async #startClockRead(): Promise<ClockRead> {
    const atMs = this.#nowMs();
    return { atMs, clockMs: await this.#stream.readClockMs() };
  }
}
