/// <reference lib="esnext.disposable" preserve="true" />
import type { WebSocket } from "tideway";
import type { Socket, WebSocketRoute } from "tideway/server";
import { checkRecord } from "../errors/check-options.ts";
import type { LinkOptions, MemoryLink } from "./memory-link.ts";
import { MemoryNetwork } from "./memory-network.ts";

/** Options of {@link connectedPair}: options of the link, and of the connection over it. */
export interface PairOptions extends LinkOptions {
  /** The subprotocol of both ends. Default: no subprotocol. */
  readonly protocol?: string;
  /** The options of the server's route, such as its limits, compression and schema. */
  readonly route?: Omit<WebSocketRoute, "handle" | "protocols" | "authorize" | "origins">;
}

/** A client and a server that are connected in memory. */
export interface ConnectedPair extends AsyncDisposable {
  /** The client's end of the connection, which is open. */
  readonly client: WebSocket;
  /** The server's end of the connection, which is open. */
  readonly server: Socket;
  /** The link between both ends, on which you can cause faults. */
  readonly link: MemoryLink;
}

/**
 * Connects a client and a server in memory, with the same handshake and frames as over TCP. To test a handler
 * with its route, params and authorization, use {@link MemoryNetwork} instead. Disposing of the pair closes
 * the connection with 1000. If that takes longer than a second, it resets the link.
 *
 * @example
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
      // On a stalled link, the client has not received the Close frame.
      if (client.readyState !== client.CLOSED) network.links[0].reset();
    },
  };
}
