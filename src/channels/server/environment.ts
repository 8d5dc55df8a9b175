import type { Topics } from "../../topics/index.ts";
import type { WelcomeFields } from "../wire/server-session.ts";
import type { CompiledCall } from "./compile.ts";
import type { ResolvedLimits } from "./limits.ts";
import type { TopicTable } from "./topic-table.ts";
import type { ChannelConnection } from "./connection.ts";

/** The timer functions of a runtime. */
export interface ChannelTimers {
  setTimeout(callback: () => void, delayMs: number): unknown;
  clearTimeout(timer: never): void;
}

/** What `authorize` is called with. */
export interface AuthorizeRequest {
  readonly auth: unknown;
  readonly request: Request;
  readonly remoteAddress: string;
  /** The object that `authorize` of the route returned. */
  readonly route: unknown;
}

/** The kind of a rule or handler that `intercept` wraps. */
export type InterceptKind = "subscribe" | "publish" | "enter" | "call" | "stream";

/** What `intercept` is called with. */
export interface InterceptedRequest {
  readonly kind: InterceptKind;
  readonly name: string;
  readonly params?: Readonly<Record<string, string>>;
  readonly state: unknown;
  readonly session: unknown;
}

/** Where an error of the application occurred. */
export interface ChannelErrorContext {
  /** The rule or handler that failed. */
  readonly kind: InterceptKind | "authorize" | "start" | "publishHandler";
  /** The name of the topic or call, if there is one. */
  readonly name?: string;
}

/** The values and functions that all connections of one `channels` share. */
export interface ChannelsEnvironment {
  readonly topics: Topics;
  readonly table: TopicTable;
  readonly calls: ReadonlyMap<string, CompiledCall>;
  readonly authorize: (request: AuthorizeRequest) => unknown;
  readonly intercept: ((request: InterceptedRequest, next: () => unknown) => unknown) | undefined;
  readonly limits: ResolvedLimits;
  /** What each client is told when it is authorized. */
  readonly welcome: WelcomeFields;
  readonly idWindowMs: number;
  readonly presenceGraceMs: number;
  readonly timers: ChannelTimers;
  /** The wall clock, in milliseconds. */
  readonly dateNowMs: () => number;
  /** A monotonic clock, in milliseconds. */
  readonly nowMs: () => number;
  /** The open connections. */
  readonly connections: Set<ChannelConnection>;
  /** Counts the pending calls of `authorize`. */
  readonly pendingAuthorize: { count: number };
  /** Reports an error of the application. Never throws. */
  report(error: unknown, context: ChannelErrorContext): void;
}
