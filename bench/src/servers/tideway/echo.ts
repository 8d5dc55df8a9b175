/** Echoes with `listen`. Like the other servers, it does not limit the bytes that wait for a slow reader. */
import { ready } from "../../subject.ts";
import { serve } from "./implementation.ts";

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
