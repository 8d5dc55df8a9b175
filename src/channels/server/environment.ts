import type { Timers, Topics } from "../../topics/index.ts";
import type { WelcomeFields } from "../wire/server-session.ts";
import type { CompiledCall } from "./compile.ts";
import type { ResolvedLimits } from "./limits.ts";
import type { RatesBySession } from "./session-rates.ts";
import type { TopicTable } from "./topic-table.ts";
import type { ChannelConnection } from "./connection.ts";
import type { ChannelErrorContext, InterceptContext } from "./channels-interface.ts";
import type { AuthorizeRequest } from "./session-interface.ts";

/** The values and functions that all connections of one `channels` share. */
export interface ChannelsEnvironment {
  readonly topics: Topics;
  readonly table: TopicTable;
  readonly calls: ReadonlyMap<string, CompiledCall>;
  readonly authorize: (request: AuthorizeRequest) => unknown;
  readonly intercept:
    | ((context: InterceptContext<unknown>, next: () => unknown) => unknown)
    | undefined;
  readonly limits: ResolvedLimits;
  /** The rates of the sessions. Undefined if there are no limits on rates. */
  readonly rates: RatesBySession | undefined;
  /** The fields of the `welcome` for each client. */
  readonly welcome: WelcomeFields;
  readonly idWindowMs: number;
  readonly presenceGraceMs: number;
  readonly timers: Timers;
  /** The wall clock, in milliseconds. */
  readonly dateNowMs: () => number;
  /** The open connections. */
  readonly connections: Set<ChannelConnection>;
  /** Counts the pending calls of `authorize`. */
  readonly pendingAuthorize: { count: number };
  /** Reports an error of the application. Never throws. */
  report(error: unknown, context: ChannelErrorContext): void;
}
