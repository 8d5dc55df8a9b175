import { checkInteger, checkPositive, invalidOption } from "../../errors/check-options.ts";
import { isRecord, withoutUndefined } from "../../errors/record.ts";
import { UsageError } from "../../errors/index.ts";
import { quote } from "../../errors/quote.ts";

/** Limits on the rates of one topic pattern or one call, for each session. */
export interface RateLimits {
  /** The maximum number of requests per second, above 0. Default: no limit. */
  readonly perSecond?: number;
}

/**
 * Limits of each connection of a client; limits on rates apply to its session on this server, across reconnects. A
 * request beyond a limit fails with `TOO_MANY_REQUESTS` and `retryAfterMs`, or with `TOO_MANY_TOPICS` if waiting does
 * not help. Other requests are not affected.
 */
export interface ChannelLimits {
  /** The maximum number of subscriptions. A further one fails with `TOO_MANY_TOPICS`. Default: 1,024. */
  readonly maxSubscriptions?: number;
  /**
   * The maximum number of topics with members that the client watches. A further one fails with
   * `TOO_MANY_TOPICS`. Default: 256.
   */
  readonly maxWatches?: number;
  /** The maximum number of calls that have no answer yet. Default: 64. */
  readonly maxPendingCalls?: number;
  /** The maximum number of open streams. Default: 64. */
  readonly maxStreams?: number;
  /** The maximum number of publishes that have no answer yet. Default: 1,024. */
  readonly maxPendingPublishes?: number;
  /**
   * The maximum number of topics that the client has entered, and also of topics that it is leaving. A further
   * `enter` fails with `TOO_MANY_TOPICS`. Default: 64.
   */
  readonly maxPresences?: number;
  /** The maximum number of pages of history that are being read. Default: 16. */
  readonly maxPendingPages?: number;
  /**
   * The maximum number of bytes of all requests that have no answer, in UTF-16 code units if they are text. Requests of
   * up to 1,024 bytes do not count. A request is always accepted if no other one counts. Default: 4 MiB.
   */
  readonly maxPendingBytes?: number;
  /**
   * The maximum number of senders in a volatile topic for which the latest message waits for a slow subscriber.
   * Default: 256.
   */
  readonly maxVolatileSenders?: number;
  /**
   * The maximum number of bytes of volatile messages that wait for a slow client, of all its topics. Beyond it, the
   * oldest message is dropped. Default: 4 MiB.
   */
  readonly maxVolatileBytes?: number;
  /** The maximum number of publications in a page of history. A higher `limit` is cut. Default: 1,000. */
  readonly maxPageSize?: number;
  /** The maximum number of bytes of a page of history, which has at least one publication. Default: 1 MiB. */
  readonly maxPageBytes?: number;
  /**
   * The maximum number of bytes that a client may send before it is authorized, and of fresh credentials
   * later. A client that sends more is disconnected with 1009. Default: 16,384.
   */
  readonly maxAuthBytes?: number;
  /**
   * The time for a client to send its credentials and for `authorize` to settle, in milliseconds. After it,
   * the connection closes with 3008 or 1011. Also the time for `authorize` to settle for fresh credentials, and for a
   * subscribe rule that runs again; after it, the subscription ends with `INTERNAL`. Default: 10,000.
   */
  readonly authTimeoutMs?: number;
  /**
   * The maximum number of pending calls of `authorize` on this server. A further client is disconnected with
   * 1013. Fresh credentials wait. Default: 1,024.
   */
  readonly maxPendingAuthorize?: number;
  /** The maximum number of publishes of a session per second. Default: no limit. */
  readonly publishesPerSecond?: number;
  /** The maximum number of calls and streams of a session per second. Default: no limit. */
  readonly callsPerSecond?: number;
  /**
   * The maximum number of sessions without a connection for which this server remembers the rates. A session that
   * it has forgotten starts again. Default: 10,000.
   */
  readonly maxRatedSessions?: number;
  /** Limits on the publishes of a session to the topics of a pattern, by the pattern. */
  readonly topics?: Readonly<Record<string, RateLimits>>;
  /** Limits on a call or stream of a session, by its name. */
  readonly calls?: Readonly<Record<string, RateLimits>>;
}

/** The limits with all defaults filled in. Rates without a limit are Infinity. */
export type ResolvedLimits = Required<ChannelLimits>;

const DEFAULTS = {
  maxSubscriptions: 1_024,
  maxWatches: 256,
  maxPendingCalls: 64,
  maxStreams: 64,
  maxPendingPublishes: 1_024,
  maxPresences: 64,
  maxPendingPages: 16,
  maxPendingBytes: 4_194_304,
  maxVolatileSenders: 256,
  maxVolatileBytes: 4_194_304,
  maxPageSize: 1_000,
  maxPageBytes: 1_048_576,
  maxAuthBytes: 16_384,
  authTimeoutMs: 10_000,
  maxPendingAuthorize: 1_024,
  maxRatedSessions: 10_000,
} as const;

const RATES = ["publishesPerSecond", "callsPerSecond"] as const;

/** @throws UsageError `INVALID_OPTION` */
export function resolveLimits(
  limits: ChannelLimits,
  patterns: ReadonlySet<string>,
  calls: ReadonlySet<string>,
): ResolvedLimits {
  checkObject("limits", limits);
  const known = [...Object.keys(DEFAULTS), ...RATES, "topics", "calls"];
  checkKnown("limits", limits, new Set(known), "a limit");
  for (const name of Object.keys(DEFAULTS) as (keyof typeof DEFAULTS)[]) {
    checkInteger("channels", `limits.${name}`, limits[name]);
  }
  for (const name of RATES) checkPositive("channels", `limits.${name}`, limits[name]);
  checkRates("limits.topics", limits.topics, patterns);
  checkRates("limits.calls", limits.calls, calls);
  const { publishesPerSecond = Infinity, callsPerSecond = Infinity, topics = {} } = limits;
  return {
    ...DEFAULTS,
    ...withoutUndefined(limits),
    publishesPerSecond,
    callsPerSecond,
    topics,
    calls: limits.calls ?? {},
  };
}

function checkRates(where: string, rates: unknown, names: ReadonlySet<string>): void {
  if (rates === undefined) return;
  checkObject(where, rates);
  checkKnown(where, rates, names, "a name in the contract");
  for (const [name, rate] of Object.entries(rates)) {
    const path = `${where}[${JSON.stringify(name)}]`;
    checkObject(path, rate);
    checkKnown(path, rate, new Set(["perSecond"]), "a limit");
    checkPositive("channels", `${path}.perSecond`, (rate as RateLimits).perSecond);
  }
}

/** @throws UsageError `INVALID_OPTION` unless `value` is an object */
export function checkObject(where: string, value: unknown): asserts value is object {
  if (!isRecord(value)) throw invalidOption("channels", where, value, "an object");
}

/** @throws UsageError `INVALID_OPTION` if `value` has a name that is not known */
export function checkKnown(
  where: string,
  value: object,
  known: ReadonlySet<string>,
  what: string,
): void {
  const unknown = Object.keys(value).find((name) => !known.has(name));
  if (unknown === undefined) return;
  throw new UsageError("INVALID_OPTION", `channels: ${quote(unknown)} in ${where} is not ${what}`);
}
