import {
  checkBoolean,
  checkFunction,
  checkInteger,
  checkNames,
  checkRecord,
} from "../../errors/check-options.ts";
import type { Retention } from "../broker/broker.ts";
import { type EncodeTopicMessage, envelope } from "./topic-message.ts";
import { withoutUndefined } from "../../errors/record.ts";

/** Options of a topic. All servers must use the same options for the same topic. */
export interface TopicOptions {
  /**
   * The number of publications that the broker keeps for subscribers that reconnect. An integer above 0.
   * Default: 1,000.
   */
  readonly historySize?: number;
  /**
   * The number of bytes of data that the broker keeps. It keeps the latest publication at any size. An
   * integer above 0. Default: 16,777,216 (16 MiB).
   */
  readonly historyBytes?: number;
  /** How long the broker keeps publications, in milliseconds. Default: 600,000 (ten minutes). */
  readonly historyAgeMs?: number;
  /**
   * How long the broker remembers the `id` of a publication, in milliseconds. Within this time, another
   * publication with the same id is not stored. Default: 300,000 (five minutes).
   */
  readonly idWindowMs?: number;
  /**
   * The maximum size of a publication in bytes; text counts as UTF-8. `publish` rejects a larger one with
   * UsageError `PUBLICATION_TOO_BIG`. Default: 1,048,576 (1 MiB).
   */
  readonly maxPublicationBytes?: number;
  /** Encodes the messages to subscribers. Default: {@link envelope}, which makes JSON. */
  readonly encode?: EncodeTopicMessage;
  /**
   * Whether sockets can `enter` the topic as members, and subscribers get messages about members. Default:
   * `false`.
   */
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
  checkRecord("a topic", options);
  checkNames("a topic", options, NAMES);
  for (const name of NUMBERS) checkInteger("a topic", name, options[name]);
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
