import type { Browser, Page } from "playwright-core";
import { serve, type Server, type Socket } from "tideway/server";
import { afterAll, beforeAll, expect, it } from "vitest";
import type * as Client from "../../src/browser/index.ts";
import { describeInBrowser, launchBrowser } from "../support/browser.ts";
import { bundleForBrowser } from "./bundle.ts";

/** The exports of the client's module, as the page sees them. */
interface InPage {
  readonly tideway: typeof Client;
}

const HTML = `<script type="module">
  import * as tideway from "/client.js";
  Object.assign(globalThis, { tideway });
</script>`;

const NAMES = ["ReconnectingWebSocket", "WebSocket", "WebSocketStream", "heartbeat"];

describeInBrowser("the client in a page of Chromium", () => {
  let server: Server;
  let browser: Browser;
  let page: Page;
  const sockets: Socket[] = [];

  beforeAll(async () => {
    const code = await bundleForBrowser(NAMES);
    server = await serve({
      port: 0,
      host: "127.0.0.1",
      routes: {
        "/": () => new Response(HTML, { headers: { "content-type": "text/html" } }),
        "/client.js": () => new Response(code, { headers: { "content-type": "text/javascript" } }),
        "ws:/echo": async (socket) => {
          sockets.push(socket);
          for await (const message of socket) socket.send(message);
        },
      },
      onError: () => {},
    });
    browser = await launchBrowser();
    page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${server.port}/`);
    await page.waitForFunction(() => "tideway" in globalThis);
  });

  afterAll(async () => {
    await browser.close();
    await server.stop();
  });

  it("has the native WebSocket with event streams", async () => {
    const observed = await page.evaluate(async () => {
      const { WebSocket: Tideway } = (globalThis as unknown as InPage).tideway;
      const socket = new Tideway(`ws://${location.host}/echo`);
      await socket.onOpen.first;
      socket.sendString("hello");
      const { data } = await socket.onMessage.where((event) => event.data !== "").first;
      socket.close();
      const { code } = await socket.onClose.until(AbortSignal.timeout(60_000)).first;
      return { data, code, isNative: socket instanceof WebSocket };
    });
    expect(observed).toEqual({ data: "hello", code: 1005, isNative: true });
  });

  it("exports the native WebSocketStream, which connects to the server", async () => {
    const observed = await page.evaluate(async () => {
      const { WebSocketStream } = (globalThis as unknown as InPage).tideway;
      const stream = new WebSocketStream(`ws://${location.host}/echo`);
      const { readable, writable } = await stream.opened;
      await writable.getWriter().write("hello");
      const { value } = await readable.getReader().read();
      stream.close({ closeCode: 3456, reason: "pizza" });
      return { value, closed: await stream.closed };
    });
    expect(observed).toEqual({ value: "hello", closed: { closeCode: 3456, reason: "" } });
  });

  it("reconnects at once when the network returns, and not before", async () => {
    const reconnected = page.evaluate(async () => {
      const { ReconnectingWebSocket } = (globalThis as unknown as InPage).tideway;
      const socket = new ReconnectingWebSocket(`ws://${location.host}/echo`, {
        initialDelayMs: 3_600_000,
        maxDelayMs: 3_600_000,
        random: () => 1,
      });
      await socket.onOpen.first;
      document.title = "open";
      const { delayMs } = await socket.onReconnecting.first;
      document.title = "waiting";
      const retry = await socket.onReconnecting.first;
      await socket.onReconnected.first;
      socket.close();
      return [delayMs, retry.delayMs];
    });
    await page.waitForFunction(() => document.title === "open");
    await page.context().setOffline(true);
    sockets.at(-1)!.terminate();
    await page.waitForFunction(() => document.title === "waiting");
    await page.context().setOffline(false);
    expect(await reconnected).toEqual([3_600_000, 0]);
  });

  it("detects by a heartbeat that a server does not answer", async () => {
    const code = await page.evaluate(async () => {
      const { ReconnectingWebSocket, heartbeat } = (globalThis as unknown as InPage).tideway;
      const socket = new ReconnectingWebSocket(`ws://${location.host}/echo`, {
        heartbeat: heartbeat({
          message: () => "ping",
          isReply: (data) => data === "never said",
          intervalMs: 1,
          timeoutMs: 1,
        }),
      });
      const { error } = await socket.onError.first;
      socket.close();
      return (error as { code: string }).code;
    });
    expect(code).toBe("HEARTBEAT_TIMEOUT");
  });
});
