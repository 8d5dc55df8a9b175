// Runs packages that import `ws` as an ES module, in a project where an npm override replaces it.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createRequire } from "node:module";
import { createNodeWebSocket } from "@hono/node-ws";
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import * as all from "ws";
import DefaultExport, { createWebSocketStream, WebSocket, WebSocketServer } from "ws";

assert.equal(WebSocket, DefaultExport);
assert.equal(WebSocket, createRequire(import.meta.url)("ws"));
for (const name of [
  "PerMessageDeflate",
  "Receiver",
  "Sender",
  "WebSocketServer",
  "createWebSocketStream",
  "default",
  "extension",
  "subprotocol",
]) {
  assert.ok(name in all, `${name} is not exported`);
}

await runServer();
await runHono();
console.log("passed");

async function runServer() {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  server.on("connection", (socket) => {
    const stream = createWebSocketStream(socket);
    stream.on("error", () => {});
    stream.pipe(stream);
  });
  await once(server, "listening");
  await echoesUntilCut(`ws://127.0.0.1:${server.address().port}`, server);
  server.close();
  await once(server, "close");
}

async function runHono() {
  const app = new Hono();
  const { injectWebSocket, upgradeWebSocket, wss } = createNodeWebSocket({ app });
  const route = upgradeWebSocket(() => ({
    onMessage: ({ data }, socket) => socket.send(data),
  }));
  app.get("/echo", route);
  const http = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" });
  injectWebSocket(http);
  await once(http, "listening");
  const url = `ws://127.0.0.1:${http.address().port}/echo`;
  await echoesUntilCut(url, wss);
  await echoesUntilCut(url, wss);
  http.close();
  await once(http, "close");
}

/** Echoes binary data. Then breaks the connection on the server. */
async function echoesUntilCut(url, server) {
  const client = new WebSocket(url);
  client.binaryType = "arraybuffer";
  await once(client, "open");
  for (const length of [1, 70_000]) {
    const sent = new Uint8Array(length).fill(7);
    client.send(sent);
    const received = new Promise((resolve) => {
      client.onmessage = ({ data }) => resolve(data);
    });
    assert.deepEqual(new Uint8Array(await received), sent);
  }
  const [onServer] = server.clients;
  const closed = once(client, "close");
  onServer._socket.destroy();
  assert.equal((await closed)[0], 1006);
}
