import { decideReconnect } from "tideway";
import { describe, expect, it } from "vitest";
import { readRetryAfter } from "../../../src/node/client/decide-reconnect.ts";
import { ReconnectingWebSocket, serveBytes, WebSocket } from "../../support/servers.ts";

const NOW_MS = Date.UTC(2026, 0, 2, 3, 4, 5);

describe("Retry-After (RFC 9110 10.2.3)", () => {
  it.each([
    ["0", 0],
    ["7", 7000],
    ["007", 7000],
    ["300", 300_000],
    ["301", 300_000],
    ["9".repeat(400), 300_000],
    ["Fri, 02 Jan 2026 03:05:05 GMT", 60_000],
    ["Friday, 02-Jan-26 03:05:05 GMT", 60_000],
    ["Fri Jan  2 03:05:05 2026", 60_000],
    ["Fri, 02 Jan 2026 03:04:04 GMT", 0],
    ["Sat, 02 Jan 2027 03:04:04 GMT", 300_000],
  ])("%s means %d ms", (value, waitMs) => {
    expect(readRetryAfter(value, NOW_MS)).toBe(waitMs);
  });

  it.each([
    null,
    "",
    "-1",
    "1.5",
    "1e3",
    "0x10",
    "7, 8",
    "soon",
    "2026-01-02",
    "Fri, 99 Foo 2026 03:05:05 GMT",
  ])("is ignored if it is %s", (value) => {
    expect(readRetryAfter(value, NOW_MS)).toBeUndefined();
  });
});

describe("decideReconnect in Node", () => {
  const decide = async (status: number, fields: string): Promise<unknown> => {
    const url = await serveBytes((socket) => {
      socket.end(`HTTP/1.1 ${status} No\r\n${fields}Content-Length: 0\r\n\r\n`);
    });
    const socket = new WebSocket(url);
    const close = await socket.onClose.first;
    return decideReconnect(close);
  };

  it.each([
    [429, "Retry-After: 60\r\n", 60_000],
    [503, "Retry-After: 60\r\n", 60_000],
    [503, "retry-after: 86400\r\n", 300_000],
    [429, "Retry-After: soon\r\n", "retry-later"],
    [503, "Retry-After: soon\r\n", "retry"],
    [503, "Retry-After: 1\r\nRetry-After: 2\r\n", "retry"],
    [429, "", "retry-later"],
    [503, "", "retry"],
    [404, "Retry-After: 60\r\n", "retry"],
    [403, "Retry-After: 60\r\n", "stop"],
  ])("handles status %d with the fields %j: %s", async (status, fields, decision) => {
    expect(await decide(status, fields)).toBe(decision);
  });
});

it("a ReconnectingWebSocket waits as long as the server asks for", async () => {
  const url = await serveBytes((socket) => {
    socket.end("HTTP/1.1 503 No\r\nRetry-After: 120\r\nContent-Length: 0\r\n\r\n");
  });
  const socket = new ReconnectingWebSocket(url, { random: () => 0 });
  const { delayMs } = await socket.onReconnecting.first;
  expect(delayMs).toBe(120_000);
  socket.close();
});
