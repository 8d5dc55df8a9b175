/** Broadcasts messages that begin with `P!`, without this prefix, with the topics of Bun. */
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
