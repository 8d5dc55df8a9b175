import { WebSocket } from "tideway";
import { type Server, serve, type ServeOptions } from "tideway/server";
import { type LinkOptions, MemoryNetwork } from "tideway/testing";

type Routes = Parameters<typeof serve>[0]["routes"];

/** A server that runs, and the client that reaches it. */
export interface Running {
  readonly WebSocket: typeof WebSocket;
  /** Without a path. */
  readonly url: string;
  readonly sockets: Server["sockets"];
  stop: Server["stop"];
}

/** A way from a client to a server. Whatever works over one has to work over each. */
export interface Transport {
  readonly name: string;
  start(routes: Routes, options?: Omit<ServeOptions, "port" | "host" | "tls">): Promise<Running>;
}

const tcp: Transport = {
  name: "TCP",
  async start(routes, options) {
    const server = await serve({ host: "127.0.0.1", ...options, port: 0, routes });
    return {
      WebSocket,
      url: `ws://127.0.0.1:${server.port}`,
      sockets: server.sockets,
      stop: async (stopOptions) => await server.stop(stopOptions),
    };
  },
};

function memory(name: string, link: LinkOptions): Transport {
  return {
    name,
    async start(routes, options) {
      const network = new MemoryNetwork(link);
      const server = network.serve({ ...options, routes });
      return {
        WebSocket: network.WebSocket,
        url: "ws://memory",
        sockets: server.sockets,
        stop: async (stopOptions) => await server.stop(stopOptions),
      };
    },
  };
}

export const TRANSPORTS: readonly Transport[] = [
  tcp,
  memory("memory", {}),
  memory("memory, split at every byte", { maxChunkBytes: 1 }),
  memory("memory, seven bytes at a time and late", { maxChunkBytes: 7, latencyMs: 1 }),
  memory("memory with hardly a buffer", { bufferBytes: 16 }),
];
