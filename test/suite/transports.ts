import { once } from "node:events";
import {
  type AddressInfo,
  connect,
  type Server as NetServer,
  type Socket as NetSocket,
} from "node:net";
import type { Duplex } from "node:stream";
import { ReconnectingWebSocket, WebSocket, WebSocketStream } from "tideway";
import { serve as serveInBun } from "tideway/bun";
import { type ApplicationOptions, type Attachment, serve } from "tideway/server";
import { type LinkOptions, MemoryNetwork } from "tideway/testing";
import { inject } from "vitest";
import { openSession, startTls, webSocketOver } from "../node/http2/support.ts";
import { BUN_SERVE, HTTP2, LINKS } from "./links.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The name of the transport to run over. */
    transport?: string;
  }
}

export type Routes = Parameters<typeof serve>[0]["routes"];

/** A connection for arbitrary bytes, at the client's end. */
export interface Line {
  readonly socket: Duplex;
  /** Breaks it, so that the server sees ECONNRESET. */
  reset(): void;
}

interface Clients {
  readonly WebSocket: typeof WebSocket;
  readonly WebSocketStream: typeof WebSocketStream;
  readonly ReconnectingWebSocket: typeof ReconnectingWebSocket;
}

/** The connections to a server. */
export interface Reach extends Clients {
  /** Begins with `http:` and has no path. */
  readonly url: string;
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** Only the server closes its end. */
  connect(): Line;
}

/**
 * A running server with the WebSockets that connect to it: everything that a conversation needs.
 */
export interface Venue extends Pick<Reach, "url" | "WebSocket"> {
  readonly sockets: Attachment["sockets"];
  readonly stop: Attachment["stop"];
}

/** A running server with the connections to it. */
export interface Running extends Reach, Venue {}

/** A place where servers of other libraries can be reached, one at a time. */
export interface Network extends Clients {
  /**
   * Starts a server on it. Resolves with its URL, which begins with `ws:` and ends with a slash.
   */
  listen(server: NetServer): Promise<string>;
  /** Breaks a connection from the server's end, so that the client sees ECONNRESET. */
  readonly reset: (socket: Duplex) => void;
}

/**
 * A transport between a client and a server. Everything that works over one must work over each.
 */
export interface Transport {
  readonly name: string;
  /** Whether it carries megabytes in a moment. */
  readonly isFast: boolean;
  /** Whether it uses ports of this machine, with `serve`, TLS and processes. */
  readonly hasPorts: boolean;
  serve(routes: Routes, options?: ApplicationOptions): Promise<Running>;
  readonly network: Network;
}

const CLIENTS: Clients = { WebSocket, WebSocketStream, ReconnectingWebSocket };

const tcp: Transport = {
  name: "TCP",
  isFast: true,
  hasPorts: true,
  async serve(routes, options) {
    const server = await serve({ host: "127.0.0.1", ...options, port: 0, routes });
    return {
      ...tcpReach(server.port),
      sockets: server.sockets,
      stop: async (stopOptions) => await server.stop(stopOptions),
    };
  },
  network: {
    ...CLIENTS,
    async listen(server) {
      await once(server.listen(0, "127.0.0.1"), "listening");
      return `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    },
    reset: (socket) => void (socket as NetSocket).resetAndDestroy(),
  },
};

/** Connects to a server by its port on this machine. */
export function tcpReach(port: number): Reach {
  const url = `http://127.0.0.1:${port}`;
  return {
    ...CLIENTS,
    url,
    fetch: async (path, init) => await fetch(url + path, init),
    connect() {
      const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
      return { socket, reset: () => void socket.resetAndDestroy() };
    },
  };
}

function memory(name: string, link: LinkOptions): Transport {
  const clientsOf = (network: MemoryNetwork): Clients => ({
    WebSocket: network.WebSocket,
    WebSocketStream: network.WebSocketStream,
    ReconnectingWebSocket: network.ReconnectingWebSocket,
  });
  const reach = (network: MemoryNetwork): Reach => ({
    ...clientsOf(network),
    url: "http://memory",
    fetch: async (path, init) => await network.fetch(`http://memory${path}`, init),
    connect() {
      const socket = network.connect();
      const last = network.links.at(-1)!;
      return { socket, reset: () => last.reset() };
    },
  });
  const shared = new MemoryNetwork(link);
  return {
    name,
    isFast: Object.keys(link).length === 0,
    hasPorts: false,
    async serve(routes, options) {
      const network = new MemoryNetwork(link);
      const server = network.serve({ ...options, routes });
      return {
        ...reach(network),
        sockets: server.sockets,
        stop: async (stopOptions) => await server.stop(stopOptions),
      };
    },
    network: {
      ...clientsOf(shared),
      async listen(server) {
        shared.listen(server);
        return "ws://memory/";
      },
      reset: (socket) => shared.links.find(({ server }) => server === socket)?.reset(),
    },
  };
}

/** A server with `Bun.serve`. It does not compress. */
const bunServe: Transport = {
  ...tcp,
  name: BUN_SERVE,
  async serve(routes, options) {
    const plain = Object.entries(routes).map(([key, route]) => [
      key,
      typeof route === "object" ? { ...route, compression: false } : route,
    ]);
    const server = await serveInBun({
      host: "127.0.0.1",
      ...options,
      port: 0,
      routes: Object.fromEntries(plain) as Routes,
    });
    return {
      ...tcpReach(server.port),
      sockets: server.sockets,
      stop: async (stopOptions) => await server.stop(stopOptions),
    };
  },
};

/** All WebSockets of a client are streams of one connection. */
async function serveHttp2(routes: Routes, options?: ApplicationOptions): Promise<Venue> {
  const server = await startTls({ ...options, routes });
  return {
    url: server.url,
    WebSocket: webSocketOver(await openSession(server)),
    sockets: server.sockets,
    stop: async (stopOptions) => await server.stop(stopOptions),
  };
}

const name = inject("transport") ?? tcp.name;

/**
 * The transport of this run. `vitest.config.ts` lists the files that run over several transports.
 */
export const transport: Transport =
  name in LINKS ? memory(name, LINKS[name]) : name === BUN_SERVE ? bunServe : tcp;

/** Starts what a conversation needs, over the transport of this run. */
export async function openVenue(routes: Routes, options?: ApplicationOptions): Promise<Venue> {
  return await (name === HTTP2 ? serveHttp2(routes, options) : transport.serve(routes, options));
}
