/** Echoes by a callback a message. */
import { serve } from "tideway/server";
import { ready } from "../../subject.ts";

const server = await serve({
  port: 0,
  host: "127.0.0.1",
  routes: {
    "ws:/": (socket) => {
      socket.listen((message) => {
        socket.send(message);
      });
    },
  },
});
ready(server.port);
