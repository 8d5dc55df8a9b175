/** Broadcasts messages that begin with `P!`, without this prefix. */
import { ready } from "../../subject.ts";
import { serve } from "./deno.ts";

const sockets = new Set<WebSocket>();
const port = serve((socket) => {
  socket.onopen = () => sockets.add(socket);
  socket.onclose = () => sockets.delete(socket);
  socket.onmessage = ({ data }) => {
    if (typeof data === "string" && data.startsWith("P!")) publish(data.slice(2));
  };
});
ready(port);

function publish(text: string): void {
  for (const socket of sockets) socket.send(text);
}
