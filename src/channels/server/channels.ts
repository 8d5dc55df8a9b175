import { UsageError } from "../../errors/index.ts";
import { Topics } from "../../topics/index.ts";
import {
  compileCalls,
  compileTopics,
  repeatable,
  type ContractShape,
  topicsWithoutRules,
} from "./compile.ts";
import type {
  AuthorizeRequest,
  ChannelErrorContext,
  ChannelsEnvironment,
  ChannelTimers,
  InterceptedRequest,
} from "./environment.ts";
import {
  type ChannelLimits,
  checkInteger,
  checkKnown,
  checkRecord,
  invalid,
  resolveLimits,
} from "./limits.ts";
import { type ChannelRoute, type ChannelRouteOptions, createRoute } from "./route.ts";
import { TopicTable } from "./topic-table.ts";

/** The options of `channels` as the server reads them. */
export interface AnyChannelsOptions {
  readonly topics: Topics;
  readonly authorize: (request: AuthorizeRequest) => unknown;
  readonly rules?: object;
  readonly calls?: object;
  readonly intercept?: (request: InterceptedRequest, next: () => unknown) => unknown;
  readonly limits?: ChannelLimits;
  readonly presenceGraceMs?: number;
  readonly idWindowMs?: number;
  readonly onError?: (error: unknown, context: ChannelErrorContext) => void;
  readonly timers?: ChannelTimers;
}

const OPTIONS: ReadonlySet<string> = new Set([
  "topics",
  "authorize",
  "rules",
  "calls",
  "intercept",
  "limits",
  "presenceGraceMs",
  "idWindowMs",
  "onError",
  "timers",
]);

/** The channels of a server process. */
export class ChannelsApi {
  readonly #environment: ChannelsEnvironment;

  /** @throws UsageError `INVALID_OPTION`, `MISSING_HANDLER` */
  constructor(contract: ContractShape, options: AnyChannelsOptions) {
    this.#environment = createEnvironment(contract, options);
  }

  /** Returns the route that clients connect to. */
  route(options: ChannelRouteOptions = {}): ChannelRoute {
    return createRoute(this.#environment, options);
  }
}

function createEnvironment(
  contract: ContractShape,
  options: AnyChannelsOptions,
): ChannelsEnvironment {
  checkOptions(options);
  const { topics, authorize, intercept, timers = globalThis } = options;
  const compiledTopics = compileTopics(contract, options.rules);
  const calls = compileCalls(contract, options.calls);
  const patterns = new Set(compiledTopics.map(({ pattern }) => pattern.text));
  const report = withoutThrowing(options.onError ?? ((error) => console.error(error)));
  for (const pattern of topicsWithoutRules(compiledTopics)) {
    report(withoutRules(pattern), { kind: "start", name: pattern });
  }
  const limits = resolveLimits(options.limits ?? {}, patterns, new Set(calls.keys()));
  const { maxPendingPublishes, maxPendingCalls } = limits;
  const { idWindowMs = 300_000 } = options;
  return {
    topics,
    table: new TopicTable(topics, compiledTopics),
    calls,
    authorize,
    intercept,
    limits,
    welcome: { idWindowMs, repeatable: repeatable(calls), maxPendingPublishes, maxPendingCalls },
    idWindowMs,
    presenceGraceMs: options.presenceGraceMs ?? 10_000,
    timers,
    dateNowMs: () => Date.now(),
    nowMs: () => performance.now(),
    connections: new Set(),
    pendingAuthorize: { count: 0 },
    report,
  };
}

/** @throws UsageError `INVALID_OPTION` */
function checkOptions(options: AnyChannelsOptions): void {
  checkRecord("the options", options);
  checkKnown("the options", options, OPTIONS, "option");
  const { topics, authorize, intercept, onError } = options;
  if (!(topics instanceof Topics)) throw invalid("topics", topics, "a Topics of tideway/topics");
  if (typeof authorize !== "function") {
    throw invalid("authorize", authorize, "a function that returns { state }, or refuse(...)");
  }
  for (const [name, value] of Object.entries({ intercept, onError })) {
    if (value !== undefined && typeof value !== "function")
      throw invalid(name, value, "a function");
  }
  checkInteger("presenceGraceMs", options.presenceGraceMs);
  checkInteger("idWindowMs", options.idWindowMs);
}

function withoutRules(pattern: string): UsageError {
  return new UsageError(
    "TOPIC_WITHOUT_RULES",
    `channels: the topic ${JSON.stringify(pattern)} has no rules, so no client can use it; add rules, or remove it from the contract`,
  );
}

type ErrorReport = ChannelsEnvironment["report"];

/** Wraps `onError`: if it throws or rejects, both errors are printed. */
function withoutThrowing(onError: ErrorReport): ErrorReport {
  return (error, context) => {
    const onFailure = (failure: unknown): void => {
      print(error);
      print(failure);
    };
    try {
      const result: unknown = onError(error, context);
      Promise.resolve(result).catch(onFailure);
    } catch (failure) {
      onFailure(failure);
    }
  };
}

function print(error: unknown): void {
  try {
    console.error(error);
  } catch {
    console.error("tideway: the application threw a value that the console cannot print");
  }
}
