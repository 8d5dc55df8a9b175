/** Echoes bare bytes over TLS. */
import type { AddressInfo } from "node:net";
import { createServer } from "node:tls";
import { ready } from "../../subject.ts";
import { certificate } from "../certificate.ts";

const server = createServer(certificate(), (socket) => {
  socket.on("data", (bytes) => socket.write(bytes));
  socket.on("error", () => socket.destroy());
});

server.listen(0, "127.0.0.1", () => {
  ready((server.address() as AddressInfo).port);
});
