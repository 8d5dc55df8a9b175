import { show } from "./pattern.ts";

/** A test case of `channelServerSuite` and `channelClientSuite`. */
export interface ChannelCase {
  /** The name of the case: a sentence about the server or client, such as "answers a ping with a pong". */
  readonly name: string;
  /** Runs the case. Rejects with an error that has the step that failed. */
  readonly run: () => Promise<void>;
}

/** How long a step waits by default, in milliseconds. */
export const DEFAULT_TIMEOUT_MS = 10_000;

/** Runs the steps of a script one after the other. @throws Error with the step that failed */
export async function runSteps<Step>(
  steps: readonly Step[],
  runStep: (step: Step) => Promise<void>,
): Promise<void> {
  for (const [index, step] of steps.entries()) {
    try {
      await runStep(step);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`step ${index + 1} of ${steps.length}, ${show(step)}: ${reason}`, { cause });
    }
  }
}
