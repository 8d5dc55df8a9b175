import type { ServerScript } from "../script.ts";
import { CALL_SCRIPTS } from "./call-scripts.ts";
import { CREDIT_SCRIPTS } from "./credit-scripts.ts";
import { FAILURE_SCRIPTS } from "./failure-scripts.ts";
import { FRAME_SCRIPTS } from "./frame-scripts.ts";
import { HELLO_SCRIPTS } from "./hello-scripts.ts";
import { PRESENCE_SCRIPTS } from "./presence-scripts.ts";
import { HISTORY_SCRIPTS, PUBLISH_SCRIPTS } from "./publish-scripts.ts";
import { STREAM_SCRIPTS } from "./stream-scripts.ts";
import { SUBSCRIPTION_SCRIPTS } from "./subscription-scripts.ts";

/**
 * The scripts of `channelServerSuite`. They are JSON, for a test runner in another language:
 * `JSON.stringify(channelServerScripts)`.
 */
export const channelServerScripts: readonly ServerScript[] = [
  ...HELLO_SCRIPTS,
  ...FRAME_SCRIPTS,
  ...SUBSCRIPTION_SCRIPTS,
  ...CREDIT_SCRIPTS,
  ...PUBLISH_SCRIPTS,
  ...HISTORY_SCRIPTS,
  ...FAILURE_SCRIPTS,
  ...CALL_SCRIPTS,
  ...STREAM_SCRIPTS,
  ...PRESENCE_SCRIPTS,
];
