import {
  checkFunction,
  checkInteger,
  checkRecord,
  invalidOption,
} from "../../errors/check-options.ts";
import { UsageError } from "../../errors/index.ts";
import { quote } from "../../errors/quote.ts";
import { printError, safeListener } from "../../errors/safe-listener.ts";
import { CREATES_ROUTE, type HttpHandler } from "../../server/routes/http-route.ts";
import type { WebSocketRoute } from "../../server/routes/web-socket-route.ts";
import { TopicPattern } from "../../topic-names/topic-pattern.ts";
import { Topics } from "../../topics/index.ts";
import { shortestIdWindowMs } from "../../topics/topics.ts";
import { checkContract } from "../contract/check-contract.ts";
import type { Contract } from "../contract/contract.ts";
import type {
  ChannelsOptions,
  ChannelsRouteOptions,
  PublishHandlerOptions,
  SessionFilterContext,
} from "./channels-interface.ts";
import {
  compileCalls,
  type CompiledTopic,
  compileTopics,
  repeatable,
  topicsWithoutRules,
} from "./compile.ts";
import type { ChannelConnection } from "./connection.ts";
import type { ChannelsEnvironment } from "./environment.ts";
import { checkKnown, resolveLimits } from "./limits.ts";
import { createPublishHandler } from "./publish-handler.ts";
import { createRoute } from "./route.ts";
import { ServerTopicHandle } from "./server-topic.ts";
import type { AuthorizeRequest, ChannelSession } from "./session-interface.ts";
import { createRatesBySession } from "./session-rates.ts";
import { TopicTable } from "./topic-table.ts";

/** The options of `channels`, without the types of their contract. */
export interface AnyChannelsOptions extends Pick<
  ChannelsOptions<Contract, never>,
  "topics" | "limits" | "presenceGraceMs" | "idWindowMs" | "onError"
> {
  readonly authorize: (request: AuthorizeRequest) => unknown;
  readonly rules?: object;
  readonly calls?: object;
  readonly intercept?: (context: never, next: () => unknown) => unknown;
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
]);

/** The channels of a server process, without the types of their contract. */
export class ChannelsApi {
  readonly #environment: ChannelsEnvironment;
  readonly #patterns: ReadonlyMap<string, TopicPattern>;
  /** Has a mark, so that a server can refuse `"ws:/api": api.route`, without the call. */
  readonly route: (options?: ChannelsRouteOptions) => WebSocketRoute = Object.defineProperty(
    (options: ChannelsRouteOptions = {}) => createRoute(this.#environment, options),
    CREATES_ROUTE,
    { value: true },
  );

  /** @throws UsageError `INVALID_OPTION`, `MISSING_HANDLER`, and the errors of `defineContract` */
  constructor(contract: Contract, options: AnyChannelsOptions) {
    checkContract(contract);
    this.#environment = createEnvironment(contract, options);
    const patterns = Object.keys(contract.topics ?? {}).map((text) => new TopicPattern(text));
    this.#patterns = new Map(patterns.map((pattern) => [pattern.text, pattern]));
  }

  topic(pattern: string, params: Readonly<Record<string, string>> = {}): ServerTopicHandle {
    const known = this.#patterns.get(pattern);
    if (known === undefined) {
      throw new UsageError(
        "UNKNOWN_TOPIC",
        `channels: the contract has no topic ${quote(String(pattern))}; pass a pattern of the contract`,
      );
    }
    return new ServerTopicHandle(known.format(params), this.#environment.table);
  }

  sessions({ where }: { readonly where?: SessionFilter } = {}): readonly ChannelSession<unknown>[] {
    return this.#select(where);
  }

  async recheck(where?: SessionFilter): Promise<void> {
    await Promise.all(this.#select(where).map((connection) => connection.recheck()));
  }

  publishHandler(options: PublishHandlerOptions): HttpHandler {
    return createPublishHandler(this.#environment, options);
  }

  #select(where: SessionFilter = () => true): ChannelConnection[] {
    return [...this.#environment.connections].filter(
      (session) => session.session.isOpen && where({ state: session.state, session }),
    );
  }
}

type SessionFilter = (context: SessionFilterContext<unknown>) => boolean;

function createEnvironment(contract: Contract, options: AnyChannelsOptions): ChannelsEnvironment {
  checkOptions(options);
  const { topics, authorize, intercept } = options;
  const compiledTopics = compileTopics(contract, options.rules);
  const calls = compileCalls(contract, options.calls);
  const patterns = new Set(compiledTopics.map(({ pattern }) => pattern.text));
  const report = safeListener(options.onError ?? printError);
  for (const pattern of topicsWithoutRules(compiledTopics)) {
    report(withoutRules(pattern), { kind: "start", name: pattern });
  }
  const limits = resolveLimits(options.limits ?? {}, patterns, new Set(calls.keys()));
  const maxPending = { publish: limits.maxPendingPublishes, call: limits.maxPendingCalls };
  // A minute less than the default of topics, for requests in transit when the window ends.
  const { idWindowMs = 240_000 } = options;
  checkIdWindow(idWindowMs, topics, compiledTopics);
  return {
    topics,
    table: new TopicTable(topics, compiledTopics),
    calls,
    authorize,
    intercept: intercept as ChannelsEnvironment["intercept"],
    limits,
    rates: createRatesBySession(limits, () => performance.now()),
    welcome: { idWindowMs, repeatable: repeatable(calls), maxPending },
    idWindowMs,
    presenceGraceMs: options.presenceGraceMs ?? 10_000,
    timers: globalThis,
    dateNowMs: () => Date.now(),
    connections: new Set(),
    pendingAuthorize: { count: 0 },
    report,
  };
}

/** @throws UsageError `INVALID_OPTION` */
function checkOptions(options: AnyChannelsOptions): void {
  checkRecord("channels", options);
  checkKnown("the options", options, OPTIONS, "an option");
  const { topics, authorize, intercept, onError } = options;
  if (!(topics instanceof Topics))
    throw invalidOption("channels", "topics", topics, "a Topics of tideway/topics");
  if (typeof authorize !== "function") {
    throw invalidOption(
      "channels",
      "authorize",
      authorize,
      "a function that returns { state }, or refuse(...)",
    );
  }
  checkFunction("channels", "intercept", intercept);
  checkFunction("channels", "onError", onError);
  checkInteger("channels", "presenceGraceMs", options.presenceGraceMs);
  checkInteger("channels", "idWindowMs", options.idWindowMs);
}

/** @throws UsageError `INVALID_OPTION` if a topic forgets ids while clients may still send them again */
function checkIdWindow(
  idWindowMs: number,
  topics: Topics,
  compiledTopics: readonly CompiledTopic[],
): void {
  for (const { pattern, isVolatile } of compiledTopics) {
    const shortestMs = shortestIdWindowMs(topics, pattern);
    if (isVolatile || idWindowMs < shortestMs) continue;
    throw new UsageError(
      "INVALID_OPTION",
      `channels: idWindowMs is ${idWindowMs}; it must be below idWindowMs ${shortestMs} of the topics of ${quote(pattern.text)}, so pass a smaller one here, or a larger one to Topics`,
    );
  }
}

function withoutRules(pattern: string): UsageError {
  return new UsageError(
    "TOPIC_WITHOUT_RULES",
    `channels: the topic ${JSON.stringify(pattern)} has no rules, so no client can use it; add rules, or remove it from the contract`,
  );
}
