/// <reference lib="esnext.disposable" preserve="true" />
import type { WebSocket } from "tideway";
import type { Socket, WebSocketRoute } from "tideway/server";
import { checkRecord, type LinkOptions, type MemoryLink } from "./memory-link.ts";
import { MemoryNetwork } from "./memory-network.ts";

/** Options of the link, and of the connection over it. */
export interface PairOptions extends LinkOptions {
  /** The subprotocol of both ends. Default: none. */
  readonly protocol?: string;
  /** The server's limits, as on a route of `serve`. */
  readonly route?: Omit<WebSocketRoute, "handle" | "protocols" | "authorize" | "origins">;
}

/** The two ends of one connection. */
export interface ConnectedPair extends AsyncDisposable {
  /** The client's end, open. */
  readonly client: WebSocket;
  /** The server's end, open. */
  readonly server: Socket;
  /** The link between them. */
  readonly link: MemoryLink;
}

/**
 * Connects a client and a server in memory, with the same code as over TCP, down to the frames. To test a
 * handler with its route, params and authorization, use {@link MemoryNetwork} instead. Disposing of the
 * pair closes it with 1000, and resets the link if that takes longer than a second.
 *
 * ```ts
 * await using pair = await connectedPair({ maxChunkBytes: 1 });
 * pair.server.send("hello");
 * const { data } = await pair.client.onMessage.first;
 * ```
 *
 * @throws UsageError `INVALID_OPTION`
 */
export async function connectedPair(options: PairOptions = {}): Promise<ConnectedPair> {
  checkRecord("connectedPair", options);
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
      // If the link has stalled, the client has not received the close.
      if (client.readyState !== client.CLOSED) network.links[0].reset();
    },
  };
}
