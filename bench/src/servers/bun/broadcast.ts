/** Sends on to all what begins with `P!`, without that, by Bun's own topics. */
import { ready } from "../../subject.ts";
import { serve } from "./bun.ts";

const server = serve({
  open(socket) {
    socket.subscribe("all");
  },
  message(_socket, message) {
    if (typeof message === "string" && message.startsWith("P!")) {
      server.publish("all", message.slice(2));
    }
  },
});
ready(server.port);
