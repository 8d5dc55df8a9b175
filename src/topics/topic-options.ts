import type { Retention } from "./broker.ts";
import { checkBoolean, checkFunction, checkNames, checkOptions, checkWhole } from "./options.ts";
import { type EncodeTopicMessage, envelope } from "./topic-message.ts";

/** How a topic behaves. Every server must give a topic the same options. */
export interface TopicOptions {
  /** The most publications that are kept for subscribers that return. Default 1,000. */
  readonly historySize?: number;
  /**
   * The most bytes of data that are kept. The latest publication is kept whatever its size. Default
   * 16,777,216 (16 MiB).
   */
  readonly historyBytes?: number;
  /** How long publications are kept, in milliseconds. Default 600,000 (ten minutes). */
  readonly historyAgeMs?: number;
  /**
   * How long an `id` is remembered, in milliseconds. Publishing with the same id again within this time
   * changes nothing. Default 300,000 (five minutes).
   */
  readonly idWindowMs?: number;
  /** The most bytes of one publication; text counts as UTF-8. Default 1,048,576 (1 MiB). */
  readonly maxPublicationBytes?: number;
  /** Makes what is sent to subscribers. Default: `envelope`. */
  readonly encode?: EncodeTopicMessage;
  /** Whether clients can `enter`, and subscribers learn who is present. Default: false. */
  readonly presence?: boolean;
}

/** The options of a topic, with all defaults filled in. */
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
  checkOptions("a topic", options);
  checkNames("a topic", options, NAMES);
  for (const name of NUMBERS) checkWhole("a topic", name, options[name]);
  checkFunction("a topic", "encode", options.encode);
  checkBoolean("a topic", "presence", options.presence);
  const { historySize, historyBytes, historyAgeMs, idWindowMs, maxPublicationBytes } = {
    ...DEFAULTS,
    ...withoutUndefined(options),
  };
  const { encode = envelope, presence = false } = options;
  return {
    retention: { size: historySize, bytes: historyBytes, ageMs: historyAgeMs, idWindowMs },
    maxPublicationBytes,
    encode,
    presence,
  };
}

/** An option that is present but undefined would hide its default. */
function withoutUndefined(options: TopicOptions): TopicOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
