/** Sends on to all what begins with `P!`, without that. */
import { serve } from "tideway/server";
import { ready } from "../../subject.ts";

const server = await serve({
  port: 0,
  host: "127.0.0.1",
  routes: {
    "ws:/": (socket) => {
      socket.listen((message) => {
        if (typeof message === "string" && message.startsWith("P!")) publish(message.slice(2));
      });
    },
  },
});
ready(server.port);

/** The place for a message that is framed once for all of them. */
function publish(text: string): void {
  for (const socket of server.sockets) socket.send(text);
}
