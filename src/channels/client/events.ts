import type { FlowReader } from "../wire/credit-flow.ts";
import type { ChannelStream } from "./call-interface.ts";
import { iterate } from "./iterate.ts";

/**
 * Events as they happen, for any number of listeners. Events are not replayed: attach listeners before you
 * await anything else.
 *
 * ```ts
 * const subscription = client.onStateChange.listen((state) => show(state));
 * for await (const state of client.onStateChange) show(state);
 * ```
 */
export interface ChannelEvents<T> extends AsyncIterable<T> {
  /**
   * Calls `onEvent` for each event from now on, and `onDone` when no more can come, but not after `cancel`. An
   * error that `onEvent` throws is reported as uncaught.
   */
  listen(
    onEvent: (event: T) => void,
    options?: { readonly onDone?: (error?: unknown) => void },
  ): ChannelEventSubscription;
  /** Iterates over the events from its first `next()` on, until no more can come. */
  [Symbol.asyncIterator](): ChannelStream<T>;
}

/** The subscription of a listener. */
export interface ChannelEventSubscription {
  cancel(): void;
}

/** Makes the events of a flow. */
export function eventsOf<T>(read: () => FlowReader<T>): ChannelEvents<T> {
  return {
    listen(onEvent, { onDone } = {}) {
      const reader = read();
      // Each event has its own job, so that an error is reported as uncaught, and others still follow.
      const deliver = (): void => {
        const entry = reader.take();
        if (!entry) return;
        reader.wake!();
        if (entry.isEnd) {
          reader.close();
          onDone?.(entry.value);
        } else onEvent(entry.value!);
      };
      reader.wake = () => queueMicrotask(deliver);
      reader.wake();
      return { cancel: reader.close };
    },
    [Symbol.asyncIterator]: () => iterate(read),
  };
}
