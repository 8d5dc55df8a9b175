import type { ErrorsOf } from "../contract/contract-types.ts";
import type { OutputOf } from "../contract/schema-types.ts";
import type { ChannelError, ChannelErrorCode } from "../wire/channel-error.ts";

/** Options of `call` of a client. */
export interface CallOptions {
  /** Cancels the call: the promise rejects with the signal's reason, and the signal of the handler aborts. */
  readonly signal?: AbortSignal;
  /**
   * The time for the call to settle, in milliseconds, including the wait for a connection. After it, the call
   * rejects with the ChannelError `TIMEOUT`, and the signal of the handler aborts. There is no limit above
   * 2,147,483,647. Any other value that is not a number above 0 rejects with the UsageError `INVALID_OPTION`,
   * before anything is sent. Default: no limit.
   */
  readonly timeoutMs?: number;
}

/** Options of `stream` of a client. */
export interface StreamOptions {
  /** Cancels the stream: the iterator throws the signal's reason, and the signal of the handler aborts. */
  readonly signal?: AbortSignal;
  /** For a resumable stream: the id of the last item that the application has. Default: start at the beginning. */
  readonly lastId?: string;
}

/** A pending call: a promise of its output. */
export interface ChannelCall<
  Output,
  Failure extends ChannelError = ChannelError,
> extends Promise<Output> {
  /**
   * Resolves with the output or the error, so that TypeScript knows the types of the declared errors. Rejects
   * only with the reason of `signal`.
   *
   * @example
   * ```ts
   * const { output, error } = await client.call("math/add", { a: 1, b: 2 }).result();
   * if (error?.code === "overflow") console.log(error.data.max);
   * ```
   */
  result(): Promise<CallResult<Output, Failure>>;
}

/** The result of a call: its output, or its error. */
export type CallResult<Output, Failure> =
  | { readonly output: Output; readonly error?: undefined }
  | { readonly output?: undefined; readonly error: Failure };

/** An error that the contract declares for a call, with its data. */
export type DeclaredError<Code extends string, Data> = ChannelError & {
  readonly code: Code;
  readonly data: Data;
};

/** A failure of a call that the contract does not declare. */
export type UndeclaredError = ChannelError & {
  readonly code: ChannelErrorCode;
  readonly data?: undefined;
};

/** The failures of a call: a union that is discriminated by `code`. */
export type CallFailure<Call> =
  | UndeclaredError
  | {
      [Code in keyof ErrorsOf<Call> & string]: DeclaredError<Code, OutputOf<ErrorsOf<Call>[Code]>>;
    }[keyof ErrorsOf<Call> & string];

/** The items of a stream. `break`, or `return()`, cancels the stream at the server. */
export interface ChannelStream<Item> extends AsyncIterableIterator<Item, undefined, undefined> {
  return(): Promise<IteratorReturnResult<undefined>>;
}
