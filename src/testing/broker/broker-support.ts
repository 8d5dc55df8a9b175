import { deepStrictEqual } from "node:assert";
import { setTimeout as delay } from "node:timers/promises";
import type {
  Broker,
  BrokerListener,
  Publication,
  BrokerPublishResult,
  Retention,
  VolatileMessage,
} from "../../topics/index.ts";

export const RETENTION: Retention = {
  size: 1_000,
  bytes: 1_048_576,
  ageMs: 60_000,
  idWindowMs: 60_000,
};

/** Records the events that a broker delivers for one topic. */
export class RecordingListener implements BrokerListener {
  readonly publications: Publication[] = [];
  readonly messages: VolatileMessage[] = [];
  interruptions = 0;
  presenceChanges = 0;

  onPublication(publication: Publication): void {
    this.publications.push(publication);
  }

  onInterruption(): void {
    this.interruptions++;
  }

  onPresenceChange(): void {
    this.presenceChanges++;
  }

  onMessage(message: VolatileMessage): void {
    this.messages.push(message);
  }
}

let ids = 0;

/** Publishes with a new id. */
export function publish(
  broker: Broker,
  topic: string,
  data: string | Uint8Array,
  retention: Retention = RETENTION,
): Promise<BrokerPublishResult> {
  return broker.publish(topic, { id: `id-${ids++}`, data }, retention);
}

export function check(condition: boolean, message: string): void {
  if (!condition) throw new Error(message);
}

export function checkEqual(actual: unknown, expected: unknown, message: string): void {
  deepStrictEqual(actual, expected, `${message}: expected ${show(expected)}, got ${show(actual)}`);
}

/** Resolves when `condition` is true. Rejects after `timeoutMs`. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string | (() => string),
  timeoutMs = 20_000,
): Promise<void> {
  const endMs = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > endMs) {
      const message = typeof what === "string" ? what : what();
      throw new Error(`did not happen within ${timeoutMs} ms: ${message}`);
    }
    await delay(5);
  }
}

export function offsetsOf(publications: readonly Publication[]): readonly number[] {
  return publications.map(({ position }) => position.offset);
}

/** The whole numbers from `first` to `last`. */
export function range(first: number, last: number): readonly number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 400 ? `${text.slice(0, 400)}...` : text;
}
