/** The echo server of this package: by a callback a message, or by a loop over them. */
import { type Socket, serve } from "tideway/server";

const server = await serve({
  port: 0,
  host: "127.0.0.1",
  routes: { "ws:/": process.argv[2] === "iterate" ? iterate : listen },
});

process.send?.(server.port);

function listen(socket: Socket): void {
  socket.listen((message) => {
    socket.send(message);
  });
}

async function iterate(socket: Socket): Promise<void> {
  for await (const message of socket) socket.send(message);
}
