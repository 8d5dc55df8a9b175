import { once } from "node:events";
import type { Socket } from "node:net";
import { type Server, serve } from "tideway/server";
import { beforeEach, expect, it, vi } from "vitest";
import { handshake, RawClient } from "../../support/clients.ts";

const onError = vi.fn<(error: unknown) => void>();
const onCancel = vi.fn<() => void>();
beforeEach(() => {
  onError.mockReset();
  onCancel.mockReset();
});

/** More than the kernel buffers for a peer that does not read. */
const endless = (): Response =>
  new Response(
    new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(65_536)),
      cancel: onCancel,
    }),
  );

/** A server with a timeout of a moment instead of a minute. */
async function start(handshakeTimeoutMs = 10_000): Promise<Server> {
  const server = await serve({
    port: 0,
    onError,
    handshakeTimeoutMs,
    routes: {
      "/endless": endless,
      "/short": () => new Response("short"),
      "/quiet": async () => {
        await once(server.httpServer, "timeout");
        return new Response("at last");
      },
      "/body": async (request) => new Response(await request.text()),
      "ws:/refused": { authorize: endless, handle: () => {} },
    },
  });
  server.httpServer.timeout = 50;
  return server;
}

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;

it.each([
  ["a response", get("/endless")],
  ["the response to a refused handshake", handshake("/refused")],
])("a server drops a peer that stops reading %s, and cancels the body", async (_what, text) => {
  await using server = await start();
  const accepted = once(server.httpServer, "connection");
  const client = new RawClient(server.port).send(text);
  client.socket.pause();
  const [connection] = (await accepted) as [Socket];
  await once(connection, "close");
  await vi.waitFor(() => expect(onCancel).toHaveBeenCalledOnce(), 10_000);
  expect(onError).not.toHaveBeenCalled();
  client.socket.destroy();
});

it("a server keeps the connection while a handler is silent for longer than the timeout", async () => {
  await using server = await start();
  const client = new RawClient(server.port).send(get("/quiet"));
  expect(await client.receives("at last")).toMatch(/^HTTP\/1\.1 200 /);
  client.socket.destroy();
});

it("a server closes a connection that sends no further request", async () => {
  await using server = await start();
  server.httpServer.keepAliveTimeout = 50;
  const client = new RawClient(server.port).send(get("/short"));
  expect(await client.closed()).toMatch(/^HTTP\/1\.1 200 /);
});

it("a server answers 408 when a body does not arrive, and does not report it as an error of the handler", async () => {
  await using server = await start(100);
  server.httpServer.requestTimeout = 100;
  const head = "POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n";
  const client = new RawClient(server.port).send(`${head}begin`);
  expect(await client.closed()).toMatch(/^HTTP\/1\.1 408 /);
  expect(onError).not.toHaveBeenCalled();
});
