import type { ChannelStream } from "./call-interface.ts";
import { PublicationsLostError } from "../wire/channel-error.ts";
import type { FlowReader } from "../wire/credit-flow.ts";

/** How to read a flow. */
export interface IterateOptions {
  readonly signal?: AbortSignal | undefined;
  /** Default: a loss ends the iteration with its error. */
  readonly onLost?: ((loss: PublicationsLostError) => void) | undefined;
}

/** Iterates over a flow, which is opened with the first `next()`. */
export function iterate(
  open: () => FlowReader<unknown>,
  { signal, onLost }: IterateOptions = {},
): ChannelStream<never> {
  let reader: FlowReader<unknown> | undefined;
  let isOver: boolean | undefined;
  // Also while the loop is busy, so that the source ends at once.
  const close = (): void => {
    isOver = true;
    signal?.removeEventListener("abort", close);
    reader?.close();
  };
  async function* values(): AsyncGenerator<never, undefined, undefined> {
    signal?.throwIfAborted();
    signal?.addEventListener("abort", close);
    try {
      reader = open();
      while (!isOver) {
        const entry = reader.take();
        if (!entry)
          await new Promise<void>((resolve) => {
            reader!.wake = resolve;
          });
        else if (entry.value instanceof Error) {
          if (!onLost || !(entry.value instanceof PublicationsLostError)) throw entry.value;
          onLost(entry.value);
        } else if (entry.isEnd) return;
        else yield entry.value as never;
      }
      signal?.throwIfAborted();
    } finally {
      close();
    }
  }
  const iterator = values();
  const end = iterator.return.bind(iterator) as () => Promise<IteratorResult<never, undefined>>;
  // A call of `next` may wait, and a generator would answer that first.
  iterator.return = () => {
    close();
    return end();
  };
  return iterator as never;
}
