import { useMemo } from "react";
import type { AnyContract, ChannelClient, Contract } from "tideway/channels";
import { ExternalStore } from "./external-store.ts";
import { useSnapshot } from "./use-snapshot.ts";

/**
 * Creates a client when the component is mounted, and closes it when the component is unmounted. StrictMode
 * does not close it. To connect with other options, give the component another `key`.
 *
 * Returns `undefined` while rendering on a server and in the first render, and then the client. The other hooks
 * accept `undefined`. So nothing connects on a server. A page can also create its client outside of React.
 *
 * @param create called once when the component is mounted, such as `() => connect(url)`
 * @example
 * ```tsx
 * const client = useClient(() => connect<typeof contract>("wss://example.com/api", { auth }));
 * const { messages } = useTopic(client, "rooms/:room", { room });
 * ```
 */
export function useClient<C extends Contract = AnyContract>(
  create: () => ChannelClient<C>,
): ChannelClient<C> | undefined {
  const store = useMemo(() => new ClientStore(create), []);
  return useSnapshot<ChannelClient<C> | undefined>(store, undefined);
}

/** A client that is open while the store runs. */
class ClientStore<C extends Contract> extends ExternalStore<ChannelClient<C> | undefined> {
  readonly #create: () => ChannelClient<C>;

  constructor(create: () => ChannelClient<C>) {
    super(undefined);
    this.#create = create;
  }

  protected override start(): void {
    this.update(this.#create());
  }

  protected override stop(): void {
    void this.getSnapshot()?.close();
    this.update(undefined);
  }
}
