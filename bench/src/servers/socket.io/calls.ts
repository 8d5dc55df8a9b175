/** Answers the event `math/add` with its acknowledgement. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Server } from "socket.io";
import { ready } from "../../subject.ts";

const httpServer = createServer();
const server = new Server(httpServer, { transports: ["websocket"], serveClient: false });

server.on("connection", (socket) => {
  socket.on("math/add", ({ a, b }: Record<"a" | "b", number>, answer: (sum: object) => void) => {
    answer({ sum: a + b });
  });
});

httpServer.listen(0, "127.0.0.1", () => {
  ready((httpServer.address() as AddressInfo).port);
});
