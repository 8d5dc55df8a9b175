import type { ChannelStream } from "./call-interface.ts";
import { PublicationsLostError } from "../wire/channel-error.ts";
import type { FlowReader } from "../wire/credit-flow.ts";

/** How to read a flow. */
export interface IterateOptions {
  readonly signal?: AbortSignal | undefined;
  /** Default: a loss ends the iteration with its error. */
  readonly onLost?: ((loss: PublicationsLostError) => void) | undefined;
  /** Converts each value. Default: the values as they are. */
  readonly convert?: ((value: unknown) => Promise<unknown>) | undefined;
}

/** Iterates over a flow, which is opened with the first `next()`. */
export function iterate(
  open: () => FlowReader<unknown>,
  { signal, onLost, convert }: IterateOptions = {},
): ChannelStream<never> {
  let wake: (() => void) | undefined;
  let isOver = false;
  async function* values(): AsyncGenerator<never, undefined, undefined> {
    signal?.throwIfAborted();
    const reader = open();
    reader.wake = () => wake?.();
    // Also while the loop is busy, so that the source ends at once.
    const abort = (): void => {
      reader.close();
      wake?.();
    };
    signal?.addEventListener("abort", abort);
    try {
      while (!isOver) {
        signal?.throwIfAborted();
        const entry = reader.take();
        if (!entry)
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        else if (entry.isEnd) {
          if (entry.error) throw entry.error;
          return;
        } else if (!(entry.value instanceof Error))
          yield (convert ? convert(entry.value) : entry.value) as never;
        else if (onLost && entry.value instanceof PublicationsLostError) onLost(entry.value);
        else throw entry.value;
      }
    } finally {
      signal?.removeEventListener("abort", abort);
      reader.close();
    }
  }
  const iterator = values();
  const end = iterator.return.bind(iterator);
  return Object.assign(iterator, {
    // A call of `next` may wait, and a generator would answer that first.
    return() {
      isOver = true;
      wake?.();
      return end(undefined) as Promise<never>;
    },
  });
}
