import { spawnSync } from "node:child_process";

/** The tests of the browser entry, and of a server with the WebSocket of the browser. */
const TESTS = [
  "test/browser/firefox.browser.test.ts",
  "test/browser/page.browser.test.ts",
  "test/channels/client/channel-client.browser.test.ts",
  "test/interop/chromium.browser.test.ts",
];

/** Runs the tests of the browser entry in Chromium and Firefox. Returns whether they passed. */
export function testBrowsers(): boolean {
  const vitest = ["node_modules/vitest/vitest.mjs", "run", "--project", "browser", ...TESTS];
  return spawnSync(process.execPath, vitest, { stdio: "inherit" }).status === 0;
}
