import { once } from "node:events";
import { type AddressInfo, connect, type Server as NetServer } from "node:net";
import type { Duplex } from "node:stream";
import { ReconnectingWebSocket, WebSocket, WebSocketStream } from "tideway";
import { type ApplicationOptions, type Attachment, serve } from "tideway/server";
import { type LinkOptions, MemoryNetwork } from "tideway/testing";
import { inject } from "vitest";
import { sharing } from "../../src/node/shared-reads.ts";
import { LINKS, TCP_UNSHARED } from "./links.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The name of the transport to run over. */
    transport?: string;
  }
}

export type Routes = Parameters<typeof serve>[0]["routes"];

/** A connection to say anything on, from the client's end. */
export interface Line {
  readonly socket: Duplex;
  /** Breaks it, so that the server sees ECONNRESET. */
  reset(): void;
}

/** What reaches a server. */
export interface Reach {
  /** Begins with `http:`, and has no path. */
  readonly url: string;
  readonly WebSocket: typeof WebSocket;
  readonly WebSocketStream: typeof WebSocketStream;
  readonly ReconnectingWebSocket: typeof ReconnectingWebSocket;
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** The server's end of it is closed only by the server. */
  connect(): Line;
}

/** A server that runs, and what reaches it. */
export interface Running extends Reach {
  readonly sockets: Attachment["sockets"];
  readonly stop: Attachment["stop"];
}

/** A server of other make that runs. */
export interface Listening extends Reach {
  /** Lets nobody in any more. */
  close(): Promise<void>;
}

/** A way from a client to a server. Whatever works over one has to work over each. */
export interface Transport {
  readonly name: string;
  /** Whether it carries megabytes in a moment. */
  readonly isFast: boolean;
  serve(routes: Routes, options?: ApplicationOptions): Promise<Running>;
  listen(server: NetServer): Promise<Listening>;
}

const tcp: Transport = {
  name: "TCP",
  isFast: true,
  async serve(routes, options) {
    const server = await serve({ host: "127.0.0.1", ...options, port: 0, routes });
    return {
      ...tcpReach(server.port),
      sockets: server.sockets,
      stop: async (stopOptions) => await server.stop(stopOptions),
    };
  },
  async listen(server) {
    await once(server.listen(0, "127.0.0.1"), "listening");
    return {
      ...tcpReach((server.address() as AddressInfo).port),
      close: async () => {
        await new Promise((resolve) => server.close(resolve));
      },
    };
  },
};

/** What reaches a server by its port on this machine. */
export function tcpReach(port: number): Reach {
  const url = `http://127.0.0.1:${port}`;
  return {
    WebSocket,
    WebSocketStream,
    ReconnectingWebSocket,
    url,
    fetch: async (path, init) => await fetch(url + path, init),
    connect() {
      const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
      return { socket, reset: () => void socket.resetAndDestroy() };
    },
  };
}

function memory(name: string, link: LinkOptions): Transport {
  const reach = (network: MemoryNetwork): Reach => ({
    WebSocket: network.WebSocket,
    WebSocketStream: network.WebSocketStream,
    ReconnectingWebSocket: network.ReconnectingWebSocket,
    url: "http://memory",
    fetch: async (path, init) => await network.fetch(`http://memory${path}`, init),
    connect() {
      const socket = network.connect();
      const last = network.links.at(-1)!;
      return { socket, reset: () => last.reset() };
    },
  });
  return {
    name,
    isFast: Object.keys(link).length === 0,
    async serve(routes, options) {
      const network = new MemoryNetwork(link);
      const server = network.serve({ ...options, routes });
      return {
        ...reach(network),
        sockets: server.sockets,
        stop: async (stopOptions) => await server.stop(stopOptions),
      };
    },
    async listen(server) {
      const network = new MemoryNetwork(link);
      network.listen(server);
      return { ...reach(network), close: async () => {} };
    },
  };
}

const name = inject("transport") ?? tcp.name;

/** The transport of this run. The files for which there is more than one are in `vitest.config.ts`. */
export const transport: Transport = name in LINKS ? memory(name, LINKS[name]) : tcp;

sharing.isOn = name !== TCP_UNSHARED;
