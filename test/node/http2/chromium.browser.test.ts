import type { TLSSocket } from "node:tls";
import type { Browser, Page } from "playwright-core";
import { WebSocket as OurWebSocket } from "tideway";
import { type CloseInfo, serve, type Server, type Socket } from "tideway/server";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { describeInBrowser, launchBrowser } from "../../support/browser.ts";
import { CERT, TLS } from "../../support/certificate.ts";

describeInBrowser("the WebSocket of Chromium over HTTP/2", () => {
  /** The ALPN protocol of each connection of the server. */
  const protocols: unknown[] = [];
  let upgrades = 0;
  let server: Server;
  let browser: Browser;
  let page: Page;
  let ended: Promise<CloseInfo>;
  let extensions: string | null;

  beforeAll(async () => {
    const echo = async (socket: Socket): Promise<void> => {
      ended = socket.done;
      for await (const message of socket) if (!socket.send(message)) await socket.drained;
    };
    server = await serve({
      port: 0,
      host: "127.0.0.1",
      tls: TLS,
      http2: true,
      routes: {
        "/": () =>
          new Response("<!doctype html><title>h2</title>", {
            headers: { "content-type": "text/html" },
          }),
        "ws:/echo": {
          protocols: ["b", "a", ""],
          compression: true,
          maxMessageBytes: 16_777_216,
          authorize: (request) => {
            extensions = request.headers.get("sec-websocket-extensions");
            return {};
          },
          handle: echo,
        },
        "ws:/farewell": async (socket) => {
          for await (const message of socket) socket.close(4001, String(message));
        },
        "ws:/refused": { authorize: () => new Response("no", { status: 401 }), handle: echo },
      },
    });
    server.httpServer.on("secureConnection", (socket: TLSSocket) => {
      protocols.push(socket.alpnProtocol);
    });
    server.httpServer.on("upgrade", () => upgrades++);
    browser = await launchBrowser();
    page = await browser.newPage({ ignoreHTTPSErrors: true });
  });

  beforeEach(async () => {
    await page.goto(`https://127.0.0.1:${server.port}/`);
  });

  afterAll(async () => {
    await browser.close();
    await server.stop();
  });

  it("uses the connection that loaded the page, as the browser chooses", async () => {
    const protocol = await page.evaluate(async () => {
      const socket = new WebSocket(`wss://${location.host}/echo`, ["a", "b"]);
      await new Promise((resolve, reject) => {
        socket.onopen = resolve;
        socket.onerror = reject;
      });
      socket.close(1000, "fin");
      return socket.protocol;
    });
    expect(protocol).toBe("b");
    expect(await ended).toEqual({ code: 1000, reason: "fin", wasClean: true });
    expect(new Set(protocols)).toEqual(new Set(["h2"]));
    expect(upgrades).toBe(0);
  });

  it("offers permessage-deflate and uses it", async () => {
    expect(await page.evaluate(exchange, { length: 100_000, count: 3 })).toMatchObject({
      isSame: true,
      extensions: expect.stringContaining("permessage-deflate"),
    });
    expect(extensions).toContain("permessage-deflate");
  });

  it.each([
    [1, 1],
    [126, 10],
    [65_536, 4],
    [4_194_304, 2],
  ])("echoes binary messages of %i bytes, %i in flight", async (length, count) => {
    expect(await page.evaluate(exchange, { length, count })).toMatchObject({
      isSame: true,
      close: { code: 1000, wasClean: true },
    });
  });

  it("receives a close code and a reason", async () => {
    const closeEvent = await page.evaluate(async () => {
      const socket = new WebSocket(`wss://${location.host}/farewell`);
      socket.onopen = () => socket.send("ça va");
      const { code, reason, wasClean } = await new Promise<CloseEvent>((resolve) => {
        socket.onclose = resolve;
      });
      return { code, reason, wasClean };
    });
    expect(closeEvent).toEqual({ code: 4001, reason: "ça va", wasClean: true });
  });

  it("fires an error when refused, and the connection serves the next request", async () => {
    const before = protocols.length;
    const codes = await page.evaluate(async () => {
      const closeOf = async (path: string): Promise<number> => {
        const socket = new WebSocket(`wss://${location.host}${path}`);
        socket.onopen = () => socket.close(1000);
        const event = await new Promise<CloseEvent>((resolve) => {
          socket.onclose = resolve;
        });
        return event.code;
      };
      return [await closeOf("/refused"), await closeOf("/nowhere"), await closeOf("/echo")];
    });
    expect(codes).toEqual([1006, 1006, 1000]);
    expect(protocols).toHaveLength(before);
  });

  it("opens many sockets on one connection", async () => {
    const before = protocols.length;
    const echoed = await page.evaluate(async () => {
      const exchangeOne = async (index: number): Promise<string> => {
        const socket = new WebSocket(`wss://${location.host}/echo`);
        socket.onopen = () => socket.send(String(index));
        const { data } = await new Promise<MessageEvent<string>>((resolve, reject) => {
          socket.onmessage = resolve;
          socket.onerror = () => reject(new Error("the connection failed"));
        });
        return data;
      };
      return await Promise.all(Array.from({ length: 120 }, (_, index) => exchangeOne(index)));
    });
    expect(echoed).toEqual(Array.from({ length: 120 }, (_, index) => String(index)));
    expect(protocols).toHaveLength(before);
  });

  it("HTTP/1.1 clients are served on the same port", async () => {
    const client = new OurWebSocket(`wss://localhost:${server.port}/echo`, {
      tls: { ca: CERT },
    });
    const received = client.onMessage.first;
    await client.onOpen.first;
    client.send("hello");
    expect((await received).data).toBe("hello");
    expect(protocols.at(-1)).toBe("http/1.1");
    client.close();
    await client.onClose.first;
  });
});

/** Runs in the page: sends messages at once, compares the echoes and closes with 1000. */
async function exchange({ length, count }: { length: number; count: number }): Promise<object> {
  const socket = new WebSocket(`wss://${location.host}/echo`);
  socket.binaryType = "arraybuffer";
  const closed = new Promise<CloseEvent>((resolve) => {
    socket.onclose = resolve;
  });
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at++) bytes[at] = at * 167 + (at >> 8);
  socket.onopen = () => {
    for (let index = 0; index < count; index++) {
      bytes[0] = index;
      socket.send(bytes);
    }
  };
  let received = 0;
  const isSame = await new Promise<boolean>((resolve, reject) => {
    socket.onerror = () => reject(new Error("the connection failed"));
    socket.onmessage = ({ data }: MessageEvent<ArrayBuffer>) => {
      bytes[0] = received++;
      const same = new Uint8Array(data).every((byte, at) => byte === bytes[at]);
      if (!same || data.byteLength !== length) resolve(false);
      else if (received === count) resolve(true);
    };
  });
  const { extensions } = socket;
  socket.close(1000);
  const { code, wasClean } = await closed;
  return { isSame, extensions, close: { code, wasClean } };
}
