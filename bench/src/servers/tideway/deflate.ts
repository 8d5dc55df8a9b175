/** Echoes with compression. Each connection keeps its context, unless the argument is `no-takeover`. */
import { serve } from "tideway/server";
import { ready } from "../../subject.ts";

const context = process.argv[2] === "no-takeover" ? "shared" : "dedicated";
const server = await serve({
  port: 0,
  host: "127.0.0.1",
  routes: {
    "ws:/": {
      compression: { context },
      handle: (socket) => {
        socket.listen((message) => {
          socket.send(message);
        });
      },
    },
  },
});
ready(server.port);
