import { useEffect, useMemo } from "react";
import type {
  CallInputOf,
  CallOf,
  ChannelClient,
  Contract,
  InputArguments,
  ItemOf,
  StreamNameOf,
} from "tideway/channels";
import { StreamStore } from "./stream-store.ts";
import { useSnapshot } from "./use-snapshot.ts";

/** Options of {@link useStream}. */
export interface UseStreamOptions {
  /** The maximum number of items to keep; the oldest ones are dropped. Default: 1,000. */
  readonly maxItems?: number;
  /** For a resumable stream: the id of the item after which to start. Default: start at the beginning. */
  readonly lastId?: string;
}

/** The result of {@link useStream}. It is the same object until something changes. */
export type StreamState<Item> = {
  /** The latest items, the newest at the end. */
  readonly items: readonly Item[];
  /** Starts the stream again, with no items. No effect with the status `idle`. */
  readonly restart: () => void;
} & (
  | { readonly status: "idle" | "active" | "ended"; readonly error: undefined }
  | { readonly status: "failed"; readonly error: Error }
);

/**
 * Starts a stream when the component is mounted, and cancels it at the server when the component is unmounted.
 * Returns the latest items. It starts again, with no items, when the client, the name, the input or `lastId`
 * changes. Inputs with the same JSON are equal, so the input may be a new object in each render. Many items
 * render the component once.
 *
 * | `status` | `items` | `error` |
 * | --- | --- | --- |
 * | `idle`: rendered on a server, the first render of a page from a server, or no client | none | - |
 * | `active`: the stream runs, or waits for a connection | those so far | - |
 * | `ended`: the stream has no more items | all | - |
 * | `failed`: the handler or the connection failed, or the client has closed | the earlier ones | a `ChannelError` |
 *
 * StrictMode does not interrupt the stream. If React hides the component and shows it again, such as in
 * `<Activity>`, a stream that has not ended starts again.
 *
 * @param client the client, or `undefined` to start no stream
 * @example
 * ```tsx
 * const { items, status } = useStream(client, "search", { text });
 * return <ul aria-busy={status === "active"}>{items.map((hit) => <li key={hit.id}>{hit.title}</li>)}</ul>;
 * ```
 */
export function useStream<C extends Contract, const Name extends StreamNameOf<C>>(
  client: ChannelClient<C> | undefined,
  name: Name,
  ...args: InputArguments<CallInputOf<CallOf<C, Name>>, UseStreamOptions>
): StreamState<ItemOf<CallOf<C, Name>>>;
export function useStream(
  client: ChannelClient | undefined,
  name: string,
  input?: unknown,
  options: UseStreamOptions = {},
): StreamState<unknown> {
  const store = useMemo(
    () => client && new StreamStore(client, name, input, options),
    [client, name, keyOf(input), options.lastId],
  );
  useEffect(() => store?.setOptions(options));
  return useSnapshot(store, IDLE);
}

const IDLE: StreamState<unknown> = {
  status: "idle",
  items: [],
  error: undefined,
  restart: () => {},
};

/** The same for equal inputs, and for all inputs that JSON cannot express: the client gives their error. */
function keyOf(input: unknown): string | undefined {
  try {
    return input instanceof Uint8Array ? `bytes ${input.join()}` : JSON.stringify(input);
  } catch {
    return "error";
  }
}
