/**
 * Echoes with compression. Both sides of each connection keep their context, unless the argument is
 * `no-takeover`.
 */
import type { AddressInfo } from "node:net";
import { ready } from "../../subject.ts";
import { WebSocketServer } from "./implementation.ts";

const noContextTakeover = process.argv[2] === "no-takeover";
const server = new WebSocketServer({
  port: 0,
  host: "127.0.0.1",
  perMessageDeflate: {
    serverNoContextTakeover: noContextTakeover,
    clientNoContextTakeover: noContextTakeover,
  },
});

server.on("connection", (socket) => {
  socket.on("error", () => socket.terminate());
  socket.on("message", (message) => {
    socket.send((message as Buffer).toString());
  });
});

server.on("listening", () => {
  ready((server.address() as AddressInfo).port);
});
