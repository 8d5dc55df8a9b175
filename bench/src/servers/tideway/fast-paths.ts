/**
 * Uses each fast path once: an HTTP request, a handshake, a compressed message, and a client. With
 * `NODE_DEBUG=tideway`, it prints the fast paths that this Node.js cannot use.
 */
import { WebSocket } from "tideway";
import { serve } from "tideway/server";

const server = await serve({
  port: 0,
  host: "127.0.0.1",
  routes: {
    "/hello": async (request) => new Response(await request.text()),
    "ws:/": {
      compression: true,
      handle: (socket) => {
        socket.listen((message) => {
          socket.send(message);
        });
      },
    },
  },
});
const { port } = server;
await (await fetch(`http://127.0.0.1:${port}/hello`, { method: "POST", body: "hello" })).text();
const client = new WebSocket(`ws://127.0.0.1:${port}/`);
await client.onOpen.first;
const message = "hello".repeat(1000);
client.send(message);
await client.onMessage.first;
client.close();
await server.stop({ timeoutMs: 1000 });
