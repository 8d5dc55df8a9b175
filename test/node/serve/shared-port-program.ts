/**
 * Serves in a process that shares its port with others. It prints the port. A WebSocket gets the process id, and
 * the number of connections that went through `node:http` instead of the fast handshake.
 *
 * Usage: PROGRAM reuse-port PORT, or PROGRAM cluster, which starts two workers.
 */
import cluster from "node:cluster";
import { serve } from "tideway/server";

const [mode, port = "0"] = process.argv.slice(2);

async function run(reusePort: boolean): Promise<number> {
  let slow = 0;
  const server = await serve({
    host: "127.0.0.1",
    port: Number(port),
    reusePort,
    routes: {
      "/": () => new Response(`${process.pid}`),
      "ws:/": async (socket) => {
        socket.send(JSON.stringify({ pid: process.pid, slow }));
        for await (const message of socket) socket.send(message);
      },
    },
  });
  // A listener of the event would switch the fast handshake off.
  const { httpServer } = server;
  const emit = httpServer.emit.bind(httpServer);
  httpServer.emit = (event: string, ...args: unknown[]): boolean => {
    if (event === "connection") slow++;
    return emit(event, ...args);
  };
  return server.port;
}

if (mode === "reuse-port") {
  console.log(await run(true));
} else if (cluster.isPrimary) {
  const workers = [cluster.fork(), cluster.fork()];
  const ports = await Promise.all(
    workers.map((worker) => new Promise((resolve) => worker.once("message", resolve))),
  );
  console.log(ports[0]);
} else {
  process.send?.(await run(false));
}
