import type {
  AnyContract,
  CallInputOf,
  CallNameOf,
  CallOf,
  CallOutputOf,
  InputArguments,
  ItemOf,
  ParamsArguments,
  StreamNameOf,
  TopicOf,
  TopicPatternOf,
} from "../contract/contract-types.ts";
import type { Contract } from "../contract/contract.ts";
import type {
  CallOptions,
  ChannelCall,
  ChannelStream,
  CallFailure,
  StreamOptions,
} from "./call-interface.ts";
import type { ChannelEvents } from "./events.ts";
import type { ChannelTopicOf } from "./topic-interface.ts";

/**
 * The state of a {@link ChannelClient}.
 *
 * - `connecting`: the client connects, or waits for the server to accept its `auth`.
 * - `open`: the server has accepted the client.
 * - `waiting`: the connection was lost, and the next attempt is scheduled.
 * - `closed`: the client has ended: after `close()`, or because the server will never accept it.
 */
export type ChannelState = "connecting" | "open" | "waiting" | "closed";

/** Options of `close` of a {@link ChannelClient}. */
export interface CloseChannelOptions {
  /**
   * The time to wait for the answers of pending publishes and calls, in milliseconds, before the connection
   * closes. There is no limit above 2,147,483,647. Default: 0.
   */
  readonly flushMs?: number;
}

/**
 * A client of channels: one connection that carries topics, calls and streams, and reconnects. `C` is the
 * type of the contract. Without one, all data has the type `unknown`.
 */
export interface ChannelClient<C extends Contract = AnyContract> extends AsyncDisposable {
  readonly state: ChannelState;
  /** Each change of `state`. */
  readonly onStateChange: ChannelEvents<ChannelState>;
  /**
   * Errors that reject no promise: a failed attempt to connect, an `auth` that the server does not accept, or
   * the last error of a client that the server will never accept.
   */
  readonly onError: ChannelEvents<Error>;

  /**
   * Returns a topic. Sends nothing before one of its methods is called.
   *
   * @param pattern the pattern of the topic in the contract. Without a contract it may also be a name
   * @throws UsageError `INVALID_PARAM` unless each param is a string of 1 to 128 characters
   * @throws UsageError `INVALID_TOPIC_NAME` if the name has more than 256 characters
   */
  topic<const Pattern extends TopicPatternOf<C>>(
    pattern: Pattern,
    ...params: ParamsArguments<Pattern>
  ): ChannelTopicOf<TopicOf<C, Pattern>>;

  /**
   * Calls a handler of the server. The result is a promise of the output. It rejects with a
   * {@link ChannelError}; `result()` of it never rejects with one.
   *
   * Without a connection, the call waits for one. If the connection is lost before the answer, an idempotent
   * call is sent again. Any other call rejects with `CONNECTION_LOST`; it may have run.
   *
   * It rejects with `TOO_BIG` if a message exceeds `maxMessageBytes` of the server, or, after the handler has
   * run, of the client. Its `cause` is the close or the error of the transport if the connection has ended.
   */
  call<const Name extends CallNameOf<C>>(
    name: Name,
    ...input: InputArguments<CallInputOf<CallOf<C, Name>>, CallOptions>
  ): ChannelCall<CallOutputOf<CallOf<C, Name>>, CallFailure<CallOf<C, Name>>>;

  /**
   * Starts a stream at the server with the first `next()`, and iterates over its items. `break` cancels the
   * stream at the server. The iterator throws a {@link ChannelError} if the stream fails.
   *
   * Do not change `input` while the stream runs: a resumable stream sends it again after a reconnect.
   */
  stream<const Name extends StreamNameOf<C>>(
    name: Name,
    ...input: InputArguments<CallInputOf<CallOf<C, Name>>, StreamOptions>
  ): ChannelStream<ItemOf<CallOf<C, Name>>>;

  /** Connects again at once. No effect after the client has closed. */
  reconnect(): void;

  /**
   * Closes the connection and ends the client. Everything that is still pending after `flushMs` rejects with
   * the ChannelError `CLIENT_CLOSED`. Resolves after the closing handshake, which the WebSocket limits to some
   * seconds. A second call has no effect besides a shorter wait.
   */
  close(options?: CloseChannelOptions): Promise<void>;
}
