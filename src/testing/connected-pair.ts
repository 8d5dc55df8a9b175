/// <reference lib="esnext.disposable" preserve="true" />
import type { WebSocketInstance } from "../client/web-socket-interface.ts";
import type { WebSocketRoute } from "../server/route-types.ts";
import type { Socket } from "../server/socket.ts";
import type { LinkOptions, MemoryLink } from "./memory-link.ts";
import { MemoryNetwork } from "./memory-network.ts";

/** What the two ends agree on, beside how the link between them behaves. */
export interface PairOptions extends LinkOptions {
  /** The subprotocol of both. Default: none. */
  readonly protocol?: string;
  /** The server's limits, as on a route of `serve`. */
  readonly route?: Omit<WebSocketRoute, "handle" | "protocols" | "authorize" | "origins">;
}

/** Two ends of one connection. */
export interface ConnectedPair extends AsyncDisposable {
  /** The client's end, open. */
  readonly client: WebSocketInstance;
  /** The server's end, open. */
  readonly server: Socket;
  /** What is between them. */
  readonly link: MemoryLink;
}

/**
 * Connects a client and a server in memory: the real thing at both ends, down to the frames. To
 * test a handler with its route, params and authorization, use {@link MemoryNetwork} instead.
 * Disposing of the pair closes it with 1000, and drops it if it cannot be closed within a second.
 *
 * ```ts
 * await using pair = await connectedPair({ maxChunkBytes: 1 });
 * pair.server.send("hello");
 * const { data } = await pair.client.onMessage.first;
 * ```
 */
export async function connectedPair(options: PairOptions = {}): Promise<ConnectedPair> {
  const { protocol, route, ...linkOptions } = options;
  const protocols = protocol === undefined ? [] : [protocol];
  const network = new MemoryNetwork(linkOptions);
  let onServer: (socket: Socket) => void;
  const accepted = new Promise<Socket>((resolve) => (onServer = resolve));
  const attachment = network.serve({
    routes: { "ws:/": { ...route, protocols, handle: (socket: Socket) => onServer(socket) } },
  });
  const client = new network.WebSocket("ws://pair/", protocols);
  const [server] = await Promise.all([accepted, client.onOpen.first]);
  return {
    client,
    server,
    link: network.links[0],
    async [Symbol.asyncDispose]() {
      await attachment.stop({ code: 1000, timeoutMs: 1000 });
      // Where the link has stalled, the client does not know yet.
      if (client.readyState !== client.CLOSED) network.links[0].reset();
    },
  };
}
