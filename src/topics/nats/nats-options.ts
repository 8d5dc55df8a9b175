import {
  checkInteger,
  checkNames,
  checkRecord,
  invalidOption,
  shown,
} from "../../errors/check-options.ts";
import { UsageError } from "../../errors/index.ts";
import { DEFAULT_MAX_TOPICS, hasMethod } from "../broker/check-options.ts";
import { withoutUndefined } from "../../errors/record.ts";

/** Options of a {@link NatsBroker}. */
export interface NatsBrokerOptions {
  /** The prefix of all subjects: tokens of `A-Z a-z 0-9 _ -`, joined by dots. Default: `"tideway"`. */
  readonly prefix?: string;
  /**
   * The name of the stream with the publications. The stream with the presence has the same name with
   * `_PRESENCE` appended. Default: `"TIDEWAY"`.
   */
  readonly stream?: string;
  /**
   * The number of publications that NATS keeps for each topic. It must be at least the `historySize` of every
   * topic. Default: 1,000, as in `Topics`.
   */
  readonly historySize?: number;
  /**
   * How long NATS keeps messages, in milliseconds. It must be at least the `historyAgeMs` of every topic. A
   * topic that is not used for this time starts again in another epoch. Default: 86,400,000 (a day).
   */
  readonly maxAgeMs?: number;
  /**
   * The number of bytes that NATS keeps for all topics together. Above it, NATS removes the oldest
   * publications of any topic. A topic without remaining publications starts again in another epoch. Applies
   * when the broker creates the stream. Default: no limit, so only `historySize` limits each topic.
   */
  readonly maxBytes?: number;
  /**
   * The maximum number of topics that this process listens to. A call for a further topic rejects with
   * BrokerError `TOPICS_FULL`. An integer above 0. Default: 65,536.
   */
  readonly maxTopics?: number;
  /**
   * How long NATS remembers the ids of publications, in milliseconds. It must be at least the `idWindowMs` of
   * every topic. Default: 300,000, as in `Topics`.
   */
  readonly idWindowMs?: number;
  /**
   * The number of servers in a NATS cluster that store the streams. Above 1, use NATS 2.10.19 or newer. Applies
   * when the broker creates the streams. Default: 1.
   */
  readonly replicas?: number;
}

/** {@link NatsBrokerOptions} with all defaults filled in. */
export type NatsSettings = Required<NatsBrokerOptions>;

const DEFAULTS = {
  prefix: "tideway",
  stream: "TIDEWAY",
  historySize: 1_000,
  maxAgeMs: 86_400_000,
  maxBytes: Infinity,
  maxTopics: DEFAULT_MAX_TOPICS,
  idWindowMs: 300_000,
  replicas: 1,
} as const satisfies NatsSettings;

const NUMBERS = [
  "historySize",
  "maxAgeMs",
  "maxBytes",
  "maxTopics",
  "idWindowMs",
  "replicas",
] as const satisfies readonly (keyof NatsBrokerOptions)[];

const NAMES = [
  ["prefix", /^[\w-]+(\.[\w-]+)*$/],
  ["stream", /^[\w-]+$/],
] as const;

/** @throws UsageError `INVALID_OPTION` */
export function resolveNatsOptions(options: NatsBrokerOptions): NatsSettings {
  checkRecord("NatsBroker", options);
  checkNames("NatsBroker", options, Object.keys(DEFAULTS));
  for (const name of NUMBERS) checkInteger("NatsBroker", name, options[name]);
  for (const [name, pattern] of NAMES) {
    const value: unknown = options[name];
    if (value === undefined || (typeof value === "string" && pattern.test(value))) continue;
    throw invalidOption("NatsBroker", name, value, `a string that matches ${pattern}`);
  }
  return { ...DEFAULTS, ...withoutUndefined(options) };
}

/** @throws UsageError `INVALID_OPTION` */
export function checkClients(connection: unknown, jetStream: unknown): void {
  if (!hasMethod(connection, "subscribe")) {
    throw new UsageError(
      "INVALID_OPTION",
      `NatsBroker.open: the connection is ${shown(connection)}; pass the result of connect of @nats-io/transport-node`,
    );
  }
  if (!hasMethod(jetStream, "jetstreamManager")) {
    throw new UsageError(
      "INVALID_OPTION",
      `NatsBroker.open: the JetStream client is ${shown(jetStream)}; pass jetstream(connection) of @nats-io/jetstream`,
    );
  }
}
