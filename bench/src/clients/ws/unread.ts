/** Opens a socket and never reads from it. */
import { WebSocket } from "ws";
import { readyToConnect } from "../../subject.ts";

readyToConnect(({ url }) => {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  socket.on("error", () => {});
  socket.on("open", () => socket.pause());
});
