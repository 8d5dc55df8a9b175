import { ChannelError } from "../wire/channel-error.ts";
import type { ChannelCall } from "./call-interface.ts";

/** Adds `result()` to the promise of a call. */
export function toCall(output: Promise<unknown>): ChannelCall<unknown> {
  const result: ChannelCall<unknown>["result"] = () =>
    output.then(
      (value) => ({ output: value }),
      (error: unknown) => {
        if (error instanceof ChannelError) return { error };
        throw error;
      },
    );
  return Object.assign(output, { result });
}
