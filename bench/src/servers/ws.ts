/** The echo server of the `ws` package; with the argument `strings`, text passes as strings. */
import type { AddressInfo } from "node:net";
import { WebSocketServer } from "ws";

const asStrings = process.argv[2] === "strings";
const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false });

server.on("connection", (socket) => {
  socket.on("error", () => socket.terminate());
  socket.on("message", (message, isBinary) => {
    if (asStrings && !isBinary) socket.send((message as Buffer).toString());
    else socket.send(message, { binary: isBinary });
  });
});

server.on("listening", () => {
  process.send?.((server.address() as AddressInfo).port);
});
