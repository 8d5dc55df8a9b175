import {
  checkNames,
  checkOptions,
  checkWhole,
  DEFAULT_MAX_TOPICS,
  hasMethod,
  invalidOption,
  shown,
} from "../options.ts";
import { UsageError } from "../../errors/index.ts";

export interface NatsBrokerOptions {
  /** The beginning of the names of all subjects. Default `tideway`. */
  readonly prefix?: string;
  /** The name of the stream. The stream of presence has `_PRESENCE` added. Default `TIDEWAY`. */
  readonly stream?: string;
  /** The most publications that any topic keeps. Default 1,000, as in `Topics`. */
  readonly historySize?: number;
  /**
   * How long NATS keeps messages, in milliseconds. A topic that is not used for as long starts in another
   * epoch. Default 86,400,000 (a day).
   */
  readonly maxAgeMs?: number;
  /**
   * The most bytes that all topics keep together, if the broker creates the stream. Beyond it NATS removes
   * the oldest publications, of any topic. A topic that has lost all of them starts in another epoch.
   * Default: no limit but `historySize` for each topic.
   */
  readonly maxBytes?: number;
  /**
   * The most topics that this process listens to. One more rejects with `TOPICS_FULL`. Default 65,536.
   */
  readonly maxTopics?: number;
  /** How long ids are remembered, in milliseconds. Default 300,000, as in `Topics`. */
  readonly idWindowMs?: number;
  /** The number of servers of a cluster that store the streams, if the broker creates them. Default 1. */
  readonly replicas?: number;
}

/** The options of a broker, with all defaults filled in. */
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
  checkOptions("NATS", options);
  checkNames("NATS", options, Object.keys(DEFAULTS));
  for (const name of NUMBERS) checkWhole("NATS", name, options[name]);
  for (const [name, pattern] of NAMES) {
    const value: unknown = options[name];
    if (value === undefined || (typeof value === "string" && pattern.test(value))) continue;
    throw invalidOption("NATS", name, value, `a text of the form ${pattern}`);
  }
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return { ...DEFAULTS, ...Object.fromEntries(given) };
}

/** @throws UsageError `INVALID_OPTION` */
export function checkClients(connection: unknown, jetStream: unknown): void {
  if (!hasMethod(connection, "subscribe")) {
    throw new UsageError(
      "INVALID_OPTION",
      `NatsBroker.open: ${shown(connection)} is not a connection; pass what connect of @nats-io/transport-node resolves with`,
    );
  }
  if (!hasMethod(jetStream, "jetstreamManager")) {
    throw new UsageError(
      "INVALID_OPTION",
      `NatsBroker.open: ${shown(jetStream)} is not a JetStream client; pass jetstream(connection) of @nats-io/jetstream`,
    );
  }
}
