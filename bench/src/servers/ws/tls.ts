/** Echoes over TLS. */
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { WebSocketServer } from "ws";
import { ready } from "../../subject.ts";
import { certificate } from "../certificate.ts";

const httpServer = createServer(certificate());
const server = new WebSocketServer({ server: httpServer, perMessageDeflate: false });

server.on("connection", (socket) => {
  socket.on("error", () => socket.terminate());
  socket.on("message", (message, isBinary) => {
    socket.send(message, { binary: isBinary });
  });
});

httpServer.listen(0, "127.0.0.1", () => {
  ready((httpServer.address() as AddressInfo).port);
});
