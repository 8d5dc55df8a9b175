/** Echoes text as strings, as most applications use it. */
import type { AddressInfo } from "node:net";
import { WebSocketServer } from "ws";
import { ready } from "../../subject.ts";

const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false });

server.on("connection", (socket) => {
  socket.on("error", () => socket.terminate());
  socket.on("message", (message, isBinary) => {
    if (isBinary) socket.send(message);
    else socket.send((message as Buffer).toString());
  });
});

server.on("listening", () => {
  ready((server.address() as AddressInfo).port);
});
