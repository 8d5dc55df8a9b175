/** Echoes messages. `ws` delivers text as bytes, and sends bytes as text. */
import type { AddressInfo } from "node:net";
import { ready } from "../../subject.ts";
import { WebSocketServer } from "./implementation.ts";

const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false });

server.on("connection", (socket) => {
  socket.on("error", () => socket.terminate());
  socket.on("message", (message, isBinary) => {
    socket.send(message, { binary: isBinary });
  });
});

server.on("listening", () => {
  ready((server.address() as AddressInfo).port);
});
