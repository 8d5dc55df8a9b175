import { gzipSync } from "node:zlib";
import { expect, it } from "vitest";
import { bundleForBrowser } from "./bundle.ts";

const MAX_BYTES = 3600;

/** The client of channels, with its own reconnects, and without a contract. */
const MAX_CHANNELS_BYTES = 6000;

const gzippedBytes = (code: string): number => gzipSync(code, { level: 9 }).length;

it(`WebSocket and ReconnectingWebSocket for browsers have at most ${MAX_BYTES} bytes together`, async () => {
  const code = await bundleForBrowser(["ReconnectingWebSocket", "WebSocket"]);
  // Proves that the bundle contains the code that is measured.
  expect(code).toContain("reconnecting");
  expect(code).toContain("visibilitychange");
  expect(gzippedBytes(code)).toBeLessThanOrEqual(MAX_BYTES);
});

it("a bundle omits the exports that its page does not import", async () => {
  const socket = await bundleForBrowser(["WebSocket"]);
  expect(socket).not.toContain("reconnecting");
  expect(gzippedBytes(socket)).toBeLessThanOrEqual(MAX_BYTES / 2);
  const both = await bundleForBrowser(["ReconnectingWebSocket", "WebSocket"]);
  expect(both).not.toContain("WebSocketStream");
  expect(both).not.toContain("HEARTBEAT_TIMEOUT");
});

it(`a client of channels has at most ${MAX_CHANNELS_BYTES} bytes`, async () => {
  const code = await bundleForBrowser(["connect"], "channels.ts");
  expect(code).toContain("visibilitychange");
  expect(code).toContain("UNCONFIRMED");
  // The contract, its schemas and the event streams stay out of the page.
  expect(code).not.toContain("INVALID_CONTRACT");
  expect(code).not.toContain("EVENT_OVERFLOW");
  expect(gzippedBytes(code)).toBeLessThanOrEqual(MAX_CHANNELS_BYTES);
});
