import { RecordingSocket } from "../../src/testing/broker/recording-socket.ts";
import {
  type Broker,
  type BrokerListener,
  type BrokerPage,
  formatPosition,
  MemoryBroker,
  type Position,
  readPosition,
  Topics,
  type TopicsOptions,
  type VolatileMessage,
} from "tideway/topics";
import { onTestFinished } from "vitest";

export { RecordingSocket };

/** A message of the default envelope, as a client reads it. */
export interface Received {
  readonly type: string;
  readonly topic: string;
  readonly position: string;
  readonly text: string;
  readonly recovered?: boolean;
  readonly reason?: string;
  readonly member: { readonly id: string };
  readonly members: readonly { readonly id: string }[];
}

/** Topics that are closed after the test. Their errors fail the test unless it asks for them. */
export function openTopics(options: TopicsOptions = {}): Topics {
  const errors: unknown[] = [];
  const topics = new Topics({ onError: (error) => errors.push(error), ...options });
  onTestFinished(async () => {
    await topics.close();
    if (errors.length > 0) throw new Error("an error was reported", { cause: errors[0] });
  });
  return topics;
}

export function received(socket: RecordingSocket): readonly Received[] {
  return socket.sent.map((data) => JSON.parse(data as string) as Received);
}

export function texts(socket: RecordingSocket): readonly string[] {
  return received(socket)
    .filter(({ type }) => type === "publication")
    .map(({ text }) => text);
}

export function types(socket: RecordingSocket): readonly string[] {
  return received(socket).map(({ type }) => type);
}

/**
 * Reads the messages of a socket, checks their order and returns the last position.
 *
 * @throws Error if a publication is missing or duplicate without a notice
 */
export function follow(socket: RecordingSocket): Position | undefined {
  let last: Position | undefined;
  for (const { type, position: text } of received(socket)) {
    const position = readPosition(text)!;
    if (type === "publication") {
      const isNext = position.epoch === last?.epoch && position.offset === last.offset + 1;
      if (!isNext) throw new Error(`${text} came after ${last && formatPosition(last)}`);
    } else if (type !== "lost" && type !== "subscribed") continue;
    last = position;
  }
  return last;
}

/** Runs everything that waits only for other promises. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Wraps a broker and can fail as a network and an engine do. */
export class FaultyBroker implements Broker {
  readonly inner: MemoryBroker;
  /** How a publication reaches a listener: unchanged, late, twice or not at all. */
  onDelivery: (deliver: () => void) => void = (deliver) => deliver();
  /** Called before each call of a method. May reject or wait to make the call do so. */
  onCall: (method: string) => Promise<void> = async () => {};
  /** Called after each call of `history`. */
  onPage: (page: BrokerPage) => Promise<BrokerPage> = async (page) => page;
  readonly calls: string[] = [];
  readonly listeners = new Set<BrokerListener>();

  constructor(inner: MemoryBroker = new MemoryBroker()) {
    this.inner = inner;
  }

  interrupt(): void {
    for (const listener of this.listeners) listener.onInterruption();
  }

  async publish(...args: Parameters<Broker["publish"]>): ReturnType<Broker["publish"]> {
    await this.#call("publish");
    return this.inner.publish(...args);
  }

  async history(...args: Parameters<Broker["history"]>): ReturnType<Broker["history"]> {
    await this.#call("history");
    return this.onPage(await this.inner.history(...args));
  }

  async subscribe(topic: string, listener: BrokerListener): ReturnType<Broker["subscribe"]> {
    await this.#call("subscribe");
    const faulty: BrokerListener = {
      onPublication: (publication) =>
        this.onDelivery(() => this.listeners.has(faulty) && listener.onPublication(publication)),
      onInterruption: () => listener.onInterruption(),
      onPresenceChange: () => listener.onPresenceChange(),
      ...(listener.onMessage && { onMessage: (message) => listener.onMessage?.(message) }),
    };
    const stop = await this.inner.subscribe(topic, faulty);
    this.listeners.add(faulty);
    return async () => {
      this.listeners.delete(faulty);
      await stop();
    };
  }

  async send(topic: string, message: VolatileMessage): Promise<void> {
    await this.#call("send");
    await this.inner.send(topic, message);
  }

  async enter(...args: Parameters<Broker["enter"]>): ReturnType<Broker["enter"]> {
    await this.#call("enter");
    return this.inner.enter(...args);
  }

  async leave(...args: Parameters<Broker["leave"]>): ReturnType<Broker["leave"]> {
    await this.#call("leave");
    return this.inner.leave(...args);
  }

  async members(...args: Parameters<Broker["members"]>): ReturnType<Broker["members"]> {
    await this.#call("members");
    return this.inner.members(...args);
  }

  close(): Promise<void> {
    return this.inner.close();
  }

  async #call(method: string): Promise<void> {
    this.calls.push(method);
    await this.onCall(method);
  }
}

/** Timers that a test advances. */
export class ManualTimers {
  readonly #timers = new Map<object, { readonly callback: () => void; atMs: number }>();
  #nowMs = 0;

  setTimeout(callback: () => void, delayMs: number): object {
    const timer = {};
    this.#timers.set(timer, { callback, atMs: this.#nowMs + delayMs });
    return timer;
  }

  clearTimeout(timer: object): void {
    this.#timers.delete(timer);
  }

  /** Advances the time and runs everything that follows. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    for (;;) {
      await settle();
      const due = [...this.#timers].filter(([, { atMs }]) => atMs <= untilMs);
      if (due.length === 0) break;
      const [timer, { callback, atMs }] = due.toSorted(
        ([, one], [, other]) => one.atMs - other.atMs,
      )[0];
      this.#timers.delete(timer);
      this.#nowMs = Math.max(this.#nowMs, atMs);
      callback();
    }
    this.#nowMs = untilMs;
  }
}
