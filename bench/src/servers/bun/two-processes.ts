/** Echoes in two processes on one port. The kernel distributes the connections. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { ready } from "../../subject.ts";
import { serve } from "./bun.ts";

const portOfFirst = process.argv[2];
const server = serve(
  {
    message(socket, message) {
      socket.send(message);
    },
  },
  { reusePort: true, port: Number(portOfFirst ?? 0) },
);

if (portOfFirst === undefined) {
  const second = fork(fileURLToPath(import.meta.url), [String(server.port)]);
  await once(second, "message");
  ready(server.port, [process.pid, second.pid ?? 0]);
} else {
  ready(server.port);
}
