import { monitorEventLoopDelay } from "node:perf_hooks";
import { serve, type Server } from "tideway/server";
import type { ServeOrder, ServerAnswer, ServerOrder } from "./messages.ts";

/** The server process: echoes on several addresses, with the default options except `maxConnections`. */
export function runServer(): void {
  const servers: Server[] = [];
  const delays = monitorEventLoopDelay({ resolution: 10 });
  delays.enable();
  process.on("message", (order: ServerOrder) => {
    if (order.ask === "serve") void listen(order, servers);
    else answerState(servers, delays.max / 1e6);
  });
}

async function listen({ port, addresses }: ServeOrder, servers: Server[]): Promise<void> {
  for (const host of addresses) {
    servers.push(
      await serve({
        port,
        host,
        maxConnections: Infinity,
        routes: {
          "ws:/": (socket) => {
            socket.listen((message) => {
              socket.send(message);
            });
          },
        },
      }),
    );
  }
  answer({ kind: "listening" });
}

function answerState(servers: readonly Server[], longestDelayMs: number): void {
  (globalThis as { gc?: () => void }).gc?.();
  const open = servers.reduce((sum, { sockets }) => sum + sockets.size, 0);
  answer({ kind: "state", open, heapBytes: process.memoryUsage().heapUsed, longestDelayMs });
}

function answer(message: ServerAnswer): void {
  process.send?.(message);
}
