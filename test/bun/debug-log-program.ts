/** Echoes one message with `tideway/bun`, and lets a handler fail. A test reads its debug log. */
import { once } from "node:events";
import { serve } from "../../src/bun/index.ts";

const server = await serve({
  port: 0,
  onError: () => {},
  routes: {
    "ws:/": (socket) => socket.listen((message) => socket.send(message)),
    "/": () => {
      throw new Error("no");
    },
  },
});
await fetch(server.url);
// The built-in class, because the client of this package writes lines about its connections.
const client = new WebSocket(server.url.replace("http", "ws"));
await once(client, "open");
client.send("x");
await once(client, "message");
client.close();
await server.stop();
console.log("echoed");
