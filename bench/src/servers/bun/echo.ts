/** Echoes with the server of Bun. */
import { ready } from "../../subject.ts";
import { serve } from "./bun.ts";

const server = serve({
  message(socket, message) {
    socket.send(message);
  },
});
ready(server.port);
