import { expect, it } from "vitest";
import { percentDecode, readUnixUrl } from "../../src/client/unix-url.ts";

it.each([
  ["ws+unix:/run/a.sock", "/run/a.sock", "ws://localhost/"],
  ["ws+unix:/run/a.sock:", "/run/a.sock", "ws://localhost/"],
  ["ws+unix:/run/a.sock:/chat?b=1", "/run/a.sock", "ws://localhost/chat?b=1"],
  ["wss+unix:/run/a.sock:/a:b", "/run/a.sock", "wss://localhost/a:b"],
  ["ws+unix:/run/a%3Ab%20c.sock:/", "/run/a:b c.sock", "ws://localhost/"],
])("%s names the socket %s and the URL %s", (url, socketPath, requestUrl) => {
  const read = readUnixUrl(new URL(url))!;
  expect([read.socketPath, read.requestUrl.href]).toEqual([socketPath, requestUrl]);
});

it.each([
  "ws:/run/a.sock",
  "ws+unix://host/a.sock",
  "ws+unix:",
  "ws+unix::/",
  "ws+unix:/a%00b",
  "ws+unix:/a:b",
])("%s does not name a Unix socket", (url) => {
  expect(readUnixUrl(new URL(url))).toBeUndefined();
});

it("text with invalid percent-encoding stays as it is", () => {
  expect([percentDecode("a%20b"), percentDecode("100%")]).toEqual(["a b", "100%"]);
});
