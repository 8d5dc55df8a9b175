import { serve, type Server, type Socket } from "tideway/server";
import { afterAll, beforeAll, expect, it } from "vitest";
import type * as Client from "../../src/browser/index.ts";
import type { TestBrowser, TestPage } from "../support/pages.ts";
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

/**
 * Defines the tests of the client in a page.
 *
 * @param hasStream whether the browser has `WebSocketStream`
 */
export function testClient(browserOf: () => TestBrowser, hasStream: boolean): void {
  let server: Server;
  let page: TestPage;
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
    page = await browserOf().newPage();
    await page.goto(`http://127.0.0.1:${server.port}/`);
    await page.waitFor(() => "tideway" in globalThis);
  });

  afterAll(async () => {
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
    }, undefined);
    expect(observed).toEqual({ data: "hello", code: 1005, isNative: true });
  });

  it.runIf(!hasStream)("throws UNSUPPORTED for WebSocketStream", async () => {
    const code = await page.evaluate(() => {
      const { WebSocketStream } = (globalThis as unknown as InPage).tideway;
      try {
        new WebSocketStream(`ws://${location.host}/echo`).close();
        return "no error";
      } catch (error) {
        return (error as { code: string }).code;
      }
    }, undefined);
    expect(code).toBe("UNSUPPORTED");
  });

  it.runIf(hasStream)(
    "exports the native WebSocketStream, which connects to the server",
    async () => {
      const observed = await page.evaluate(async () => {
        const { WebSocketStream } = (globalThis as unknown as InPage).tideway;
        const stream = new WebSocketStream(`ws://${location.host}/echo`);
        const { readable, writable } = await stream.opened;
        await writable.getWriter().write("hello");
        const { value } = await readable.getReader().read();
        stream.close({ closeCode: 3456, reason: "pizza" });
        return { value, closed: await stream.closed };
      }, undefined);
      expect(observed).toEqual({ value: "hello", closed: { closeCode: 3456, reason: "" } });
    },
  );

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
    }, undefined);
    await page.waitFor(() => document.title === "open");
    await page.setOffline(true);
    sockets.at(-1)!.terminate();
    await page.waitFor(() => document.title === "waiting");
    await page.setOffline(false);
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
    }, undefined);
    expect(code).toBe("HEARTBEAT_TIMEOUT");
  });
}
