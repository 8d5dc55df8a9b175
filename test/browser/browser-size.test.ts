import { gzipSync } from "node:zlib";
import { expect, it } from "vitest";
import { bundleForBrowser } from "./bundle.ts";

const MAX_BYTES = 3600;

const gzippedBytes = (code: string): number => gzipSync(code, { level: 9 }).length;

it(`bundles a browser's WebSocket and ReconnectingWebSocket into at most ${MAX_BYTES} bytes`, async () => {
  const code = await bundleForBrowser(["ReconnectingWebSocket", "WebSocket"]);
  // The bundle contains everything that is measured.
  expect(code).toContain("reconnecting");
  expect(code).toContain("visibilitychange");
  expect(gzippedBytes(code)).toBeLessThanOrEqual(MAX_BYTES);
});

it("omits from a page what it does not import", async () => {
  const socket = await bundleForBrowser(["WebSocket"]);
  expect(socket).not.toContain("reconnecting");
  expect(gzippedBytes(socket)).toBeLessThanOrEqual(MAX_BYTES / 2);
  const both = await bundleForBrowser(["ReconnectingWebSocket", "WebSocket"]);
  expect(both).not.toContain("WebSocketStream");
  expect(both).not.toContain("HEARTBEAT_TIMEOUT");
});
