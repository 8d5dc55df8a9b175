/** Echoes by a callback a message. As with its peers, it is up to the reader how much waits for it. */
import { serve } from "tideway/server";
import { ready } from "../../subject.ts";

const server = await serve({
  port: 0,
  host: "127.0.0.1",
  routes: {
    "ws:/": {
      slowConsumer: "wait",
      handle: (socket) => {
        socket.listen((message) => {
          socket.send(message);
        });
      },
    },
  },
});
ready(server.port);
