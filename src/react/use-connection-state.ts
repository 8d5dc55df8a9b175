import { useCallback, useSyncExternalStore } from "react";
import type { ChannelClient, ChannelState } from "tideway/channels";

/**
 * Returns the state of a client, and renders again when it changes:
 *
 * - `connecting`: the client connects, or waits for the server to accept its `auth`. Also while rendering on a
 *   server, in the first render of a page that a server has rendered, and if `client` is `undefined`.
 * - `open`: the server has accepted the client.
 * - `waiting`: the connection was lost, and the next attempt is scheduled.
 * - `closed`: the client has ended. It does not connect again.
 *
 * @example
 * ```tsx
 * const state = useConnectionState(client);
 * return state === "waiting" ? <p role="status">Connecting again</p> : null;
 * ```
 */
export function useConnectionState(
  client: Pick<ChannelClient, "state" | "onStateChange"> | undefined,
): ChannelState {
  const subscribe = useCallback(
    (listener: () => void): (() => void) => {
      const subscription = client?.onStateChange.listen(listener);
      return () => subscription?.cancel();
    },
    [client],
  );
  return useSyncExternalStore(subscribe, () => client?.state ?? "connecting", whileConnecting);
}

function whileConnecting(): ChannelState {
  return "connecting";
}
