/** Keeps its sockets open, and never reads from them. */
import { serve } from "tideway/server";
import { ready } from "../../subject.ts";

const server = await serve({
  port: 0,
  host: "127.0.0.1",
  routes: { "ws:/": (socket) => socket.done },
});
ready(server.port);
