/** Echoes with a `for await` loop over the messages. */
import { serve } from "tideway/server";
import { ready } from "../../subject.ts";

const server = await serve({
  port: 0,
  host: "127.0.0.1",
  routes: {
    "ws:/": async (socket) => {
      for await (const message of socket) socket.send(message);
    },
  },
});
ready(server.port);
