import type { ClientScript } from "../script.ts";
import { CALL_SCRIPTS, STREAM_SCRIPTS } from "./call-scripts.ts";
import { HELLO_SCRIPTS } from "./hello-scripts.ts";
import { HISTORY_SCRIPTS } from "./history-scripts.ts";
import { PRESENCE_SCRIPTS } from "./presence-scripts.ts";
import { PUBLISH_SCRIPTS } from "./publish-scripts.ts";
import { CREDIT_SCRIPTS, SUBSCRIPTION_SCRIPTS } from "./subscription-scripts.ts";

/**
 * The scripts of `channelClientSuite`. They are JSON, for a test runner in another language:
 * `JSON.stringify(channelClientScripts)`.
 */
export const channelClientScripts: readonly ClientScript[] = [
  ...HELLO_SCRIPTS,
  ...SUBSCRIPTION_SCRIPTS,
  ...CREDIT_SCRIPTS,
  ...PUBLISH_SCRIPTS,
  ...HISTORY_SCRIPTS,
  ...CALL_SCRIPTS,
  ...STREAM_SCRIPTS,
  ...PRESENCE_SCRIPTS,
];
