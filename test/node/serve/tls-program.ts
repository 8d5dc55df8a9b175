/**
 * Serves echoes over TLS. It prints the port, and then the ALPN protocol of each connection. If `serve` rejects,
 * it prints the code of the error. Usage: PROGRAM CERT KEY [http2]
 */
import { readFileSync } from "node:fs";
import type { TLSSocket } from "node:tls";
import { type Socket, serve } from "tideway/server";

const [cert = "", key = "", http2] = process.argv.slice(2);

async function handle(socket: Socket): Promise<void> {
  for await (const message of socket) {
    if (message === "close") socket.close(4001, "ça va");
    else socket.send(message);
  }
}

try {
  const server = await serve({
    port: 0,
    tls: { cert: readFileSync(cert), key: readFileSync(key) },
    ...(http2 === undefined ? {} : { http2: true }),
    routes: {
      "ws:/plain": { protocols: ["b", "a"], handle },
      "ws:/compressed": { protocols: ["b", "a"], handle, compression: true },
    },
  });
  server.httpServer.on("secureConnection", ({ alpnProtocol }: TLSSocket) => {
    console.log(`ALPN ${alpnProtocol}`);
  });
  console.log(server.url);
} catch (error) {
  console.log((error as { code: unknown }).code);
}
