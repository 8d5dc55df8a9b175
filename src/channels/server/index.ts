/**
 * `tideway/channels/server`: topics, calls and presence for clients, typed by one contract.
 *
 * ```ts
 * import { channels } from "tideway/channels/server";
 * import { serve } from "tideway/server";
 * import { Topics } from "tideway/topics";
 * import { contract } from "./contract.ts";
 *
 * const api = channels(contract, {
 *   topics: new Topics(),
 *   authorize: async ({ auth }) => ({ state: await sessionOf(auth) }),
 *   rules: { "rooms/:room": { subscribe: true, publish: ({ draft, state }) => ({ ...draft, from: state.name }) } },
 *   calls: { "math/add": ({ a, b }) => ({ sum: a + b }) },
 * });
 * await serve({ routes: { "ws:/api": api.route() } });
 * ```
 *
 * @module
 */
import type { Contract } from "tideway/channels";
import { ChannelsApi } from "./channels.ts";
import type {
  Channels,
  ChannelsOptions,
  RequireCalls,
  UnknownState,
} from "./channels-interface.ts";

export {
  BrokerError,
  TidewayError,
  type TidewayErrorOptions,
  UsageError,
} from "../../errors/index.ts";
export type * from "./calls-interface.ts";
export type * from "./channels-interface.ts";
export type { ChannelLimits, RateLimits } from "./limits.ts";
export {
  fail,
  Failure,
  Refusal,
  type RefusalReason,
  refuse,
  ResumableItem,
  resumable,
} from "./refusals.ts";
export type * from "./rules-interface.ts";
export type * from "./session-interface.ts";

/**
 * Defines the channels of a contract on this server: rules for its topics, and handlers for its calls.
 *
 * @throws UsageError `INVALID_OPTION`; `MISSING_HANDLER` for a call without a handler; and the errors of
 *   `defineContract`
 */
export function channels<const C extends Contract, State = UnknownState>(
  contract: C,
  options: ChannelsOptions<C, State> & RequireCalls<C>,
): Channels<C, State> {
  return new ChannelsApi(contract, options) as unknown as Channels<C, State>;
}
