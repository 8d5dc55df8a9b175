/** Echoes in two processes on one port. The kernel distributes the connections. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { serve } from "tideway/server";
import { ready } from "../../subject.ts";

const portOfFirst = process.argv[2];
const server = await serve({
  port: Number(portOfFirst ?? 0),
  host: "127.0.0.1",
  reusePort: true,
  routes: {
    "ws:/": {
      slowConsumer: "wait",
      handle: (socket) => {
        socket.listen((message) => {
          socket.send(message);
        });
      },
    },
  },
});

if (portOfFirst === undefined) {
  const second = fork(fileURLToPath(import.meta.url), [String(server.port)]);
  await once(second, "message");
  ready(server.port, [process.pid, second.pid ?? 0]);
} else {
  ready(server.port);
}
