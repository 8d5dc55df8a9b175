/** Echoes, with the heartbeat from the README of `ws`, which has no built-in one. */
import type { AddressInfo } from "node:net";
import type { WebSocket } from "ws";
import { ready } from "../../subject.ts";
import { WebSocketServer } from "./implementation.ts";

const HEARTBEAT_MS = 30_000;

const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false });
const alive = new WeakSet<WebSocket>();

server.on("connection", (socket) => {
  alive.add(socket);
  socket.on("pong", () => alive.add(socket));
  socket.on("error", () => socket.terminate());
  socket.on("message", (message, isBinary) => {
    socket.send(message, { binary: isBinary });
  });
});

setInterval(() => {
  for (const socket of server.clients) {
    if (!alive.delete(socket)) socket.terminate();
    else socket.ping();
  }
}, HEARTBEAT_MS);

server.on("listening", () => {
  ready((server.address() as AddressInfo).port);
});
