import type {
  CallOf,
  CallOutputOf,
  CallsOf,
  Contract,
  ErrorsOf,
  HandlerInputOf,
  ItemOf,
  OutputOf,
} from "tideway/channels";
import type { Failure, ResumableItem } from "./refusals.ts";
import type { MaybePromise } from "./rules-interface.ts";
import type { ChannelSession } from "./session-interface.ts";

/** The second argument of the handler of a call or stream. */
export interface CallContext<State> {
  /** The state that `authorize` returned. */
  readonly state: State;
  /** The session of the client. */
  readonly session: ChannelSession<State>;
  /** Aborts when the client cancels the call, or its connection ends. */
  readonly signal: AbortSignal;
}

/** The second argument of the handler of an idempotent call. */
export interface IdempotentCallContext<State> extends CallContext<State> {
  /** The id of the call. The client may send a call again with the same id; another client has other ids. */
  readonly id: string;
}

/** The second argument of the handler of a resumable stream. */
export interface ResumableStreamContext<State> extends CallContext<State> {
  /** The id of the last item that the client has. Undefined at the start of the stream. */
  readonly lastId: string | undefined;
}

/** The errors of a call, as `fail` makes them. */
export type FailureOf<Call> = {
  [Code in keyof ErrorsOf<Call> & string]: Failure<Code, OutputOf<ErrorsOf<Call>[Code]>>;
}[keyof ErrorsOf<Call> & string];

/** The items of a stream: an async generator, which can return a failure, or another async iterable. */
export type StreamItems<Item, Fail> =
  | AsyncGenerator<Item, Fail | void, undefined>
  | (AsyncIterable<Item> & { readonly next?: undefined });

/** The context of the handler of a call or stream. */
export type CallContextOf<Call, State> = Call extends { readonly isIdempotent: true }
  ? IdempotentCallContext<State>
  : Call extends { readonly isResumable: true }
    ? ResumableStreamContext<State>
    : CallContext<State>;

/** The result of the handler of a call or stream. */
export type HandlerResultOf<Call> =
  | FailureOf<Call>
  | (Call extends { readonly item: unknown }
      ? StreamItems<
          Call extends { readonly isResumable: true } ? ResumableItem<ItemOf<Call>> : ItemOf<Call>,
          FailureOf<Call>
        >
      : undefined extends CallOutputOf<Call>
        ? CallOutputOf<Call> | void
        : CallOutputOf<Call>);

/**
 * The handler of a call or stream. It returns the output of a call, or the items of a stream, usually as an
 * async generator. An error that the contract declares is returned, or thrown, as the result of `fail`.
 */
// A function type, because TypeScript cannot infer `State` while it types a parameter by a conditional type.
export type Handler<Call, State> = (
  input: HandlerInputOf<Call>,
  context: CallContextOf<Call, State>,
) => MaybePromise<HandlerResultOf<Call>>;

/** The option `calls`: the handlers of all calls and streams of a contract, by name. */
export type Handlers<C extends Contract, State> = {
  readonly [Name in keyof CallsOf<C>]: Handler<CallOf<C, Name>, State>;
};
