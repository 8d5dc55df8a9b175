import { once } from "node:events";
import { type Server, serve } from "tideway/server";
import { afterEach, expect, it } from "vitest";
import { RawClient } from "./clients.ts";

let server: Server;
let answerSlow: (response: Response) => void;

async function start(): Promise<RawClient> {
  const slow = new Promise<Response>((resolve) => (answerSlow = resolve));
  server = await serve({
    port: 0,
    routes: {
      "/slow": () => slow,
      "/fast": () => new Response("FAST"),
      "post:/refuse": () => new Response("REFUSED", { status: 413 }),
    },
  });
  return new RawClient(server.port);
}

afterEach(async () => await server.stop());

const request = (path: string, fields = ""): string =>
  `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${fields}\r\n`;

it("requests that wait behind another are forgotten when their connection is reset", async () => {
  const client = await start();
  const whenAsked = once(server.httpServer, "request");
  client.send(request("/slow") + request("/fast").repeat(20));
  const [{ socket }] = (await whenAsked) as [{ socket: NodeJS.EventEmitter }];
  const whenClosed = once(socket, "close").catch(() => {});
  client.reset();
  await whenClosed;
  // It would wait for the answers otherwise, and end them by its deadline.
  await expect(server.stop({ timeoutMs: 3_600_000 })).resolves.toBeUndefined();
});

it("a request to change to another protocol is served behind the answer that is owed", async () => {
  const client = await start();
  client.send(
    request("/slow") + request("/fast", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"),
  );
  await once(server.httpServer, "upgrade");
  answerSlow(new Response("SLOW"));
  const received = await client.receives("FAST");
  expect(received.indexOf("SLOW")).toBeGreaterThan(0);
  expect(received.indexOf("SLOW")).toBeLessThan(received.indexOf("FAST"));
  client.socket.destroy();
});

it("a body that its handler does not read is skipped, and the next request is served", async () => {
  const client = await start();
  client.send(
    `POST /refuse HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3000000\r\n\r\n${"x".repeat(3_000_000)}`,
  );
  client.send(request("/fast"));
  const received = await client.receives("FAST");
  expect(received).toContain("REFUSED");
  client.socket.destroy();
});
