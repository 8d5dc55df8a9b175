import { UsageError } from "../errors/index.ts";
import type { Retention } from "./broker.ts";
import { type EncodeTopicMessage, envelope } from "./topic-message.ts";

/** How a topic behaves; the same on every node that uses it. */
export interface TopicOptions {
  /**
   * How many publications are kept for those who come back. Default 1,000.
   */
  readonly historySize?: number;
  /**
   * How many bytes of data are kept, fewer publications if need be; the latest one is kept whatever
   * its size. Default 16 MiB.
   */
  readonly historyBytes?: number;
  /** For how long they are kept. Default 600,000 (ten minutes). */
  readonly historyAgeMs?: number;
  /** For how long an `id` makes publishing again harmless. Default 300,000 (five minutes). */
  readonly idWindowMs?: number;
  /** The largest data, in bytes of UTF-8 where it is text. Default 1 MiB. */
  readonly maxPublicationBytes?: number;
  /** What is sent to subscribers. Default: `envelope`. */
  readonly encode?: EncodeTopicMessage;
  /** Whether clients can `enter`, and subscribers are told who is present. Default: false. */
  readonly presence?: boolean;
}

/** The options of a topic, complete. */
export interface TopicSettings {
  readonly retention: Retention;
  readonly maxPublicationBytes: number;
  readonly encode: EncodeTopicMessage;
  readonly presence: boolean;
}

const DEFAULTS = {
  historySize: 1_000,
  historyBytes: 16_777_216,
  historyAgeMs: 600_000,
  idWindowMs: 300_000,
  maxPublicationBytes: 1_048_576,
} as const;

const NUMBERS = Object.keys(DEFAULTS) as (keyof typeof DEFAULTS)[];

const NAMES: readonly string[] = [...NUMBERS, "encode", "presence"];

/** @throws UsageError `INVALID_OPTION` */
export function resolveTopicOptions(options: TopicOptions): TopicSettings {
  checkNames("a topic", options, NAMES);
  const { encode = envelope, presence = false } = options;
  for (const name of NUMBERS) checkWhole("a topic", name, options[name]);
  if (typeof encode !== "function") throw invalid("a topic", "encode", encode, "a function");
  if (typeof presence !== "boolean") throw invalid("a topic", "presence", presence, "a boolean");
  const { historySize, historyBytes, historyAgeMs, idWindowMs, maxPublicationBytes } = {
    ...DEFAULTS,
    ...defined(options),
  };
  return {
    retention: { size: historySize, bytes: historyBytes, ageMs: historyAgeMs, idWindowMs },
    maxPublicationBytes,
    encode,
    presence,
  };
}

/** @throws UsageError `INVALID_OPTION` for a name that is not among `names` */
export function checkNames(where: string, options: object, names: readonly string[]): void {
  const unknown = Object.keys(options).find((name) => !names.includes(name));
  if (unknown === undefined) return;
  throw new UsageError("INVALID_OPTION", `${where}: there is no option ${unknown}`);
}

/** @throws UsageError `INVALID_OPTION` unless `value` is absent or a safe integer above 0 */
export function checkWhole(where: string, name: string, value: unknown): void {
  if (value === undefined || (Number.isSafeInteger(value) && (value as number) > 0)) return;
  throw invalid(where, name, value, "a whole number above 0");
}

function invalid(where: string, name: string, value: unknown, expected: string): UsageError {
  return new UsageError("INVALID_OPTION", `${where}: ${name} is ${String(value)}, not ${expected}`);
}

/** Without what is there but undefined, which would hide a default. */
function defined(options: TopicOptions): TopicOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
