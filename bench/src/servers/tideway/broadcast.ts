/**
 * Broadcasts messages that begin with `P!`, without this prefix. Frames a message once for all sockets, or
 * once for each socket with the argument `one-by-one`.
 */
import { prepare } from "tideway/server";
import { ready } from "../../subject.ts";
import { serve } from "./implementation.ts";

const isOneByOne = process.argv[2] === "one-by-one";

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

function publish(text: string): void {
  const message = isOneByOne ? text : prepare(text);
  for (const socket of server.sockets) socket.send(message);
}
