import { useSyncExternalStore } from "react";
import type { ExternalStore } from "./external-store.ts";

/** The snapshot of a store. Without a store, and while rendering on a server, it is `idle`. */
export function useSnapshot<Snapshot>(
  store: ExternalStore<Snapshot> | undefined,
  idle: Snapshot,
): Snapshot {
  const getIdle = (): Snapshot => idle;
  return useSyncExternalStore(
    store?.subscribe ?? subscribeToNothing,
    store?.getSnapshot ?? getIdle,
    getIdle,
  );
}

function subscribeToNothing(): () => void {
  return () => {};
}
