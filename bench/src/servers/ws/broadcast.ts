/** Broadcasts messages that begin with `P!`, without this prefix. */
import type { AddressInfo } from "node:net";
import { ready } from "../../subject.ts";
import { WebSocketServer } from "./implementation.ts";

const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false });

server.on("connection", (socket) => {
  socket.on("error", () => socket.terminate());
  socket.on("message", (message) => {
    const text = (message as Buffer).toString();
    if (!text.startsWith("P!")) return;
    const published = text.slice(2);
    for (const client of server.clients) client.send(published);
  });
});

server.on("listening", () => {
  ready((server.address() as AddressInfo).port);
});
