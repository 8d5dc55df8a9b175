import { UsageError } from "../errors/index.ts";
import { decideReconnect, isDelay } from "./reconnect-policy.ts";
import type { ReconnectingWebSocketOptions } from "./reconnecting-interface.ts";

type DefaultedOption =
  | "initialDelayMs"
  | "maxDelayMs"
  | "stableAfterMs"
  | "handshakeTimeoutMs"
  | "maxQueuedBytes"
  | "decide"
  | "random"
  | "timers";

/** The options, with all defaults filled in. */
export type ReconnectingSettings = ReconnectingWebSocketOptions &
  Required<Pick<ReconnectingWebSocketOptions, DefaultedOption>>;

const DEFAULTS: Required<Pick<ReconnectingWebSocketOptions, DefaultedOption>> = {
  initialDelayMs: 2000,
  maxDelayMs: 30_000,
  stableAfterMs: 5000,
  handshakeTimeoutMs: 10_000,
  maxQueuedBytes: 2 ** 20,
  decide: decideReconnect,
  random: Math.random,
  timers: globalThis,
};

/**
 * Fills in the defaults.
 *
 * @throws UsageError `INVALID_OPTION` unless each limit is from 0 to 2,147,483,647
 */
export function withDefaults(options: ReconnectingWebSocketOptions): ReconnectingSettings {
  const settings: Record<string, unknown> = { ...options };
  for (const [name, standard] of Object.entries(DEFAULTS)) {
    const value = (settings[name] ??= standard) as number;
    if (typeof standard === "number" && !isDelay(value))
      throw new UsageError("INVALID_OPTION", `${name} is ${value}; pass 0 to ${2 ** 31 - 1}`);
  }
  return settings as unknown as ReconnectingSettings;
}
