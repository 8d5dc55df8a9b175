import { useMemo, useSyncExternalStore } from "react";
import type {
  CallFailure,
  CallInputOf,
  CallNameOf,
  CallOf,
  CallOptions,
  CallOutputOf,
  CallResult,
  ChannelClient,
  Contract,
  InputArguments,
} from "tideway/channels";
import { CallStore } from "./call-store.ts";

/**
 * The result of {@link useCall}. It is the same object until something changes, and `call` and `reset` are the
 * same functions until the client or the name changes.
 */
export type CallState<Arguments extends readonly unknown[], Output, Failure> = {
  /**
   * Calls the handler of the server, with an input and options as `call` of the client. Resolves with
   * `{ output }` or `{ error }`. Rejects with the reason of `signal`, or with the error of a schema that throws.
   *
   * @throws UsageError `NO_CLIENT` if the hook has no client, such as on a server
   */
  readonly call: (...args: Arguments) => Promise<CallResult<Output, Failure>>;
  /** Returns to the status `idle`. A pending call continues, and does not change the status any more. */
  readonly reset: () => void;
} & (
  | { readonly status: "idle" | "pending"; readonly output: undefined; readonly error: undefined }
  | { readonly status: "succeeded"; readonly output: Output; readonly error: undefined }
  | { readonly status: "failed"; readonly output: undefined; readonly error: Failure }
);

/**
 * Returns a function that calls a handler of the server, and the state of its latest call. Mounting the
 * component calls nothing. Unmounting the component does not cancel a call; pass a `signal` for that.
 *
 * | `status` | `output` | `error` |
 * | --- | --- | --- |
 * | `idle`: not called yet, `reset`, cancelled by `signal`, rendered on a server, or no client | - | - |
 * | `pending`: the latest call has no answer yet | - | - |
 * | `succeeded`: the server has answered the latest call | its output | - |
 * | `failed`: the latest call has failed | - | a `ChannelError`, or an error of the contract, by `code` |
 *
 * @param client the client, or `undefined` if there is none yet
 * @example
 * ```tsx
 * const { call, status, error } = useCall(client, "orders/place");
 * if (error?.code === "soldOut") return <p role="alert">{error.data.item} is sold out</p>;
 * return <button disabled={status === "pending"} onClick={() => call(order)}>Order</button>;
 * ```
 */
export function useCall<C extends Contract, const Name extends CallNameOf<C>>(
  client: ChannelClient<C> | undefined,
  name: Name,
): CallState<
  InputArguments<CallInputOf<CallOf<C, Name>>, CallOptions>,
  CallOutputOf<CallOf<C, Name>>,
  CallFailure<CallOf<C, Name>>
>;
export function useCall(
  client: ChannelClient | undefined,
  name: string,
): CallState<never, unknown, unknown> {
  const store = useMemo(() => new CallStore(client, name), [client, name]);
  return useSyncExternalStore(store.subscribe, store.getSnapshot, store.getServerSnapshot);
}
