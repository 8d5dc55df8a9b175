import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type ApplicationOptions, attach, type OpenSockets, serve } from "tideway/server";
import { type Reach, type Routes, tcpReach, transport } from "../suite/transports.ts";

/** A running server with the routes of a test. */
export interface StartedServer extends Reach, AsyncDisposable {
  readonly sockets: OpenSockets;
}

/** A function that serves routes: `serve` or `attach`. Both must provide the same protection. */
export interface ServerKind {
  readonly name: string;
  readonly start: (routes: Routes, options?: ApplicationOptions) => Promise<StartedServer>;
}

const ON_PORTS: readonly ServerKind[] = [
  {
    name: "serve",
    start: async (routes, options) => {
      const server = await serve({ host: "127.0.0.1", ...options, port: 0, routes });
      return {
        ...tcpReach(server.port),
        sockets: server.sockets,
        [Symbol.asyncDispose]: async () => await server.stop(),
      };
    },
  },
  {
    name: "attach",
    start: async (routes, options) => {
      const httpServer = createServer();
      const attachment = attach(httpServer, { ...options, routes });
      await once(httpServer.listen(0, "127.0.0.1"), "listening");
      return {
        ...tcpReach((httpServer.address() as AddressInfo).port),
        sockets: attachment.sockets,
        async [Symbol.asyncDispose]() {
          await attachment.stop();
          httpServer.close();
          httpServer.closeAllConnections();
        },
      };
    },
  },
];

const IN_MEMORY: readonly ServerKind[] = [
  {
    name: `attach over ${transport.name}`,
    start: async (routes, options) => {
      const { stop, ...server } = await transport.serve(routes, options);
      return { ...server, [Symbol.asyncDispose]: async () => await stop() };
    },
  },
];

/** The kinds of servers that the transport of this run supports. */
export const SERVER_KINDS: readonly ServerKind[] = transport.hasPorts ? ON_PORTS : IN_MEMORY;
