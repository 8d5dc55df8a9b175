/** Echoes bare bytes with `node:net`. This is the minimum cost of any server on Node.js. */
import { type AddressInfo, createServer } from "node:net";
import { ready } from "../../subject.ts";

const server = createServer({ noDelay: true }, (socket) => {
  socket.on("data", (bytes) => socket.write(bytes));
  socket.on("error", () => socket.destroy());
});

server.listen(0, "127.0.0.1", () => {
  ready((server.address() as AddressInfo).port);
});
