/** The echo server of this package. */
import { serve } from "tideway/server";

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

process.send?.(server.port);
