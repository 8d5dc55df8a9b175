/**
 * The peer of a test in another network, based on another library. `node peer.mjs client URL
 * PATH...` connects once to each path and prints `open` when all are open. `node peer.mjs server
 * HOST` listens and prints its port. Both read everything, and send more than any buffer holds if
 * the path is `/flood`.
 */
import { once } from "node:events";
import { WebSocket, WebSocketServer } from "ws";

const [role, at, ...paths] = process.argv.slice(2);
const noCompression = { perMessageDeflate: false };

if (role === "client") {
  const sockets = paths.map((path) => play(new WebSocket(new URL(path, at), noCompression), path));
  await Promise.all(sockets.map((socket) => once(socket, "open")));
  console.log("open");
} else {
  const server = new WebSocketServer({ host: at, port: 0, ...noCompression });
  server.on("connection", (socket, { url }) => play(socket, url));
  await once(server, "listening");
  console.log(server.address().port);
}

/** @param {WebSocket} socket @param {string | undefined} path */
function play(socket, path) {
  socket.on("error", () => {});
  socket.on("message", () => {});
  if (path === "/flood") {
    const flood = () => {
      for (let count = 0; count < 256; count++) socket.send(Buffer.alloc(65_536));
    };
    if (socket.readyState === WebSocket.OPEN) flood();
    else socket.on("open", flood);
  }
  return socket;
}
