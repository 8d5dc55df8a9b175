import type {
  CallsOf,
  ChannelHistoryPage,
  ChannelMember,
  ChannelPublishResult,
  Contract,
  MemberDataOf,
  MessageInputOf,
  MessageOf,
  ParamsArguments,
  TopicOf,
  TopicPatternOf,
} from "tideway/channels";
import type { HttpHandler, WebSocketRoute } from "tideway/server";
import type { Topics } from "tideway/topics";
import type { Handlers } from "./calls-interface.ts";
import type { ChannelLimits } from "./limits.ts";
import type { MaybePromise, Rules } from "./rules-interface.ts";
import type {
  AuthorizeRequest,
  ChannelSession,
  SessionAuthorization,
} from "./session-interface.ts";

/** The kind of a rule or handler that `intercept` wraps. */
export type InterceptKind = "subscribe" | "publish" | "enter" | "call" | "stream";

/** The first argument of `intercept`. */
export interface InterceptContext<State> {
  readonly kind: InterceptKind;
  /** The name of the topic or call. */
  readonly name: string;
  /** The params of the topic; absent for calls and streams. */
  readonly params?: Readonly<Record<string, string>>;
  readonly state: State;
  readonly session: ChannelSession<State>;
}

/** Where an error of the application occurred: the second argument of `onError`. */
export interface ChannelErrorContext {
  /** The rule or handler that failed. */
  readonly kind: InterceptKind | "authorize" | "start" | "publishHandler";
  /** The name of the topic or call, if there is one. */
  readonly name?: string;
}

/** Options of `channels`. TypeScript infers `State` from the result of `authorize`. */
export interface ChannelsOptions<C extends Contract, State> {
  /** The topics that store and deliver publications, with their broker. */
  readonly topics: Topics;
  /**
   * Decides whether a client may connect, when its first frame has arrived. Only `{ state, expiresAtMs? }`
   * accepts it. `refuse("unauthorized")` closes the connection with 3000, and `refuse("forbidden")` with
   * 3003. Any other result, an error, and no result within `authTimeoutMs` close it with 1011, and are
   * reported to `onError`.
   *
   * Write it before `rules` and `calls`, or annotate its parameter with {@link AuthorizeRequest}, so that
   * TypeScript can infer `state`.
   */
  readonly authorize: (request: AuthorizeRequest) => MaybePromise<SessionAuthorization<State>>;
  /** The rules of the topics, by pattern. A missing rule denies. Default: none. */
  readonly rules?: Rules<C, State>;
  /** The handlers of the calls and streams, by name. Required if the contract has calls. */
  readonly calls?: Handlers<C, State>;
  /**
   * Wraps all rules and handlers, for example to log them. It must return the result of `next()`, which runs
   * the rule or handler and returns its result or a promise of it. An interceptor that returns another value
   * replaces the result, so it can also deny. Default: none.
   */
  readonly intercept?: (context: InterceptContext<State>, next: () => unknown) => unknown;
  /** Limits of each connection and session. Default: see {@link ChannelLimits}. */
  readonly limits?: ChannelLimits;
  /**
   * How long a member stays after its connection was lost, in milliseconds, for the client to return.
   * Default: 10,000.
   */
  readonly presenceGraceMs?: number;
  /**
   * How long a client may send a publish or an idempotent call again, in milliseconds. It must be shorter than
   * the `idWindowMs` of every topic, because the last request takes time to arrive. `channels` checks this, except
   * for the results of `optionsOf`. Default: 240,000 (four minutes).
   */
  readonly idWindowMs?: number;
  /**
   * Receives every error of rules, handlers and `authorize`, and errors of the broker for which a client must not try
   * again, such as a missing permission. Default: prints it to the console.
   */
  readonly onError?: (error: unknown, context: ChannelErrorContext) => void;
}

/** Requires `calls` for a contract with calls. Does not take part in the inference of types. */
export type RequireCalls<C extends Contract> = [keyof CallsOf<C>] extends [never]
  ? unknown
  : { readonly calls: object };

/** Options of a route of channels: the options of a `ws:` route, without a handler, schema and subprotocols. */
export type ChannelsRouteOptions<State = unknown> = Omit<
  WebSocketRoute<string, string, State>,
  "handle" | "protocols" | "schema" | "slowConsumer" | "maxBufferedBytes"
>;

/** Options of `publish` of a topic on the server. */
export interface ServerPublishOptions {
  /** The id of the publication, of 1 to 128 characters: the broker stores an id once. Default: a random id. */
  readonly id?: string;
}

/** Options of `history` of a topic on the server. */
export interface ServerHistoryOptions {
  /** The maximum number of messages. Default: 100. */
  readonly limit?: number;
  /** Read messages after this position. Default: the latest messages. */
  readonly after?: string;
  /** Read messages before this position. Not together with `after`. */
  readonly before?: string;
}

/** A topic on the server, for code that is not a rule or handler. No rule applies. */
export interface ServerTopic<Message, Data> {
  /** The name of the topic. */
  readonly name: string;
  /**
   * Publishes a message to the subscribers on all servers. The schema `message` validates it.
   *
   * @throws UsageError `INVALID_MESSAGE` for a message that is not valid
   * @throws BrokerError if the broker did not store the publication
   */
  publish(message: Message, options?: ServerPublishOptions): Promise<ChannelPublishResult>;
  /** Reads messages from the history. */
  history(options?: ServerHistoryOptions): Promise<ChannelHistoryPage<Data>>;
}

/** The presence of a topic on the server. */
export interface ServerPresence<Data> {
  /** Reads the members on all servers. */
  members(): Promise<readonly ChannelMember<Data>[]>;
}

/** The type of a topic on the server, for a topic of the contract. */
export type ServerTopicOf<Topic> = (Topic extends { readonly isVolatile: true }
  ? Omit<ServerTopic<MessageInputOf<Topic>, MessageOf<Topic>>, "history">
  : ServerTopic<MessageInputOf<Topic>, MessageOf<Topic>>) &
  (Topic extends { readonly member: unknown } ? ServerPresence<MemberDataOf<Topic>> : unknown);

/** The arguments of a filter of sessions. */
export interface SessionFilterContext<State> {
  readonly state: State;
  readonly session: ChannelSession<State>;
}

/** Options of `publishHandler`. */
export interface PublishHandlerOptions {
  /** Decides whether a request may publish, for example by a secret in a header. Only `true` allows. */
  readonly authorize: (request: Request) => MaybePromise<boolean>;
  /** The maximum size of the body of a request, in bytes. A larger one gets 413. Default: 1,048,576 (1 MiB). */
  readonly maxBodyBytes?: number;
}

/** The channels of one contract on this server, as `channels` returns them. */
export interface Channels<C extends Contract, State> {
  /**
   * Returns a route for `serve` or `attach`. The connections speak the subprotocol `tideway.channels.1`.
   *
   * @example
   * ```ts
   * await serve({ routes: { "ws:/api": api.route({ compression: true }) } });
   * ```
   */
  route(options?: ChannelsRouteOptions): WebSocketRoute;
  /**
   * Returns a topic, for code outside of rules and handlers.
   *
   * @throws UsageError `UNKNOWN_TOPIC`, `INVALID_PARAM`, `INVALID_TOPIC_NAME`
   */
  topic<const Pattern extends TopicPatternOf<C>>(
    pattern: Pattern,
    ...params: ParamsArguments<Pattern>
  ): ServerTopicOf<TopicOf<C, Pattern>>;
  /** Returns the sessions on this server, or only the sessions for which `where` returns true. */
  sessions(options?: {
    readonly where?: (context: SessionFilterContext<State>) => boolean;
  }): readonly ChannelSession<State>[];
  /**
   * Runs the subscribe rules of open subscriptions and watches again, and ends what they deny. A rule that
   * has not settled within `limits.authTimeoutMs` denies, and `onError` gets a `RULE_TIMEOUT`. Resolves when all
   * rules have settled or this time is over. Rejects only if `where` throws.
   *
   * @param where the sessions to check. Default: all sessions of this server
   */
  recheck(where?: (context: SessionFilterContext<State>) => boolean): Promise<void>;
  /**
   * Returns an HTTP handler with which backends in any language publish. A request is a `POST` of the JSON
   * `{ topic, data, id? }`. The answer is `{ position, isDuplicate }`, or `{ code, message }` with a status
   * of 400 or more.
   */
  publishHandler(options: PublishHandlerOptions): HttpHandler;
}

/** The type of `State` when TypeScript cannot infer it. Its text is in the error that TypeScript shows. */
export type UnknownState =
  "write authorize before rules and calls, or annotate its parameter: ({ auth }: AuthorizeRequest) => ...";
