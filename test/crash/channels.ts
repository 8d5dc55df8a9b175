import { channels, type Channels } from "tideway/channels/server";
import type { Topics } from "tideway/topics";
import { contract } from "./contract.ts";

/** Less than a run, so that clients send fresh credentials. */
const EXPIRES_AFTER_MS = 6_000;

/** The channels of a server of the crash tests: everything is allowed. */
export function createChannels(topics: Topics): Channels<typeof contract, object> {
  return channels(contract, {
    topics,
    authorize: () => ({ state: {}, expiresAtMs: Date.now() + EXPIRES_AFTER_MS }),
    rules: {
      "texts/:topic": { subscribe: true, publish: true },
      "bytes/:topic": { subscribe: true, publish: true },
    },
    // Few, so that clients hold publishes back.
    limits: { maxPendingPublishes: 4 },
    // Errors of the broker are not reported.
    onError: (error, context) => console.error(context, error),
  });
}
