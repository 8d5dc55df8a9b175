import { createServer, type Server as HttpServer } from "node:http";
import { Duplex } from "node:stream";
import type { WebSocketConstructor } from "../client/web-socket-interface.ts";
import { createWebSocketClass } from "../node/client/web-socket-class.ts";
import { createConnector } from "../node/client/connect.ts";
import type { Attachment } from "../node/serve/running-server.ts";
import { attach, type RoutesOption } from "../node/serve/serve.ts";
import type { ApplicationOptions } from "../server/application.ts";
import { type LinkOptions, MemoryLink } from "./memory-link.ts";

/**
 * A network in memory with one server on it: the same routes, handshakes and frames as over TCP,
 * without ports, and with links that can be made to misbehave.
 *
 * ```ts
 * const network = new MemoryNetwork({ maxChunkBytes: 1 });
 * await using server = network.serve({ routes: { "ws:/echo": echo } });
 * const socket = new network.WebSocket("ws://test/echo");
 * await socket.onOpen.first;
 * network.links[0].reset();
 * ```
 */
export class MemoryNetwork {
  /** A client whose every URL leads to the server of this network, whatever the host. */
  readonly WebSocket: WebSocketConstructor;
  /** The links there have been, the latest last. */
  readonly links: MemoryLink[] = [];
  readonly #options: LinkOptions;
  #httpServer: HttpServer | undefined;

  constructor(options: LinkOptions = {}) {
    this.#options = options;
    this.WebSocket = createWebSocketClass(
      createConnector(() => ({ socket: this.#dial(), readyEvent: "connect" })),
    );
  }

  /** Puts `routes` on the network; as `serve` of `tideway/server`, less what concerns ports. */
  serve<
    const Key extends string,
    const Protocols extends Record<string, unknown>,
    States extends Record<string, unknown>,
    Schemas extends Record<string, unknown>,
  >(options: ApplicationOptions & RoutesOption<Key, Protocols, States, Schemas>): Attachment {
    this.#httpServer = createServer();
    return attach(this.#httpServer, options);
  }

  #dial(): Duplex {
    const server = this.#httpServer;
    if (server === undefined) return refusing();
    const link = new MemoryLink(this.#options);
    this.links.push(link);
    server.emit("connection", link.server);
    return link.client;
  }
}

function refusing(): Duplex {
  const socket = new Duplex({ read() {}, write() {} });
  const error = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
  setImmediate(() => socket.destroy(error));
  return socket;
}
