/// <reference types="node" preserve="true" />
import { createServer } from "node:http";
import type { Server as NetServer } from "node:net";
import { Duplex } from "node:stream";
import type {
  ReconnectingWebSocketConstructor,
  WebSocketConstructor,
  WebSocketStreamConstructor,
} from "tideway";
import type { ApplicationOptions, Attachment, RoutesOption } from "tideway/server";
import { defineWebSocketStream } from "../client/web-socket-stream.ts";
import { UsageError } from "../errors/index.ts";
import { createReconnectingClass } from "../node/client/reconnecting-class.ts";
import { createWebSocketClass } from "../node/client/web-socket-class.ts";
import { createConnector } from "../node/client/connect.ts";
import { attach } from "../node/serve/serve.ts";
import { fastDispatch, fastEnvironment } from "../node/serve/tcp-environments.ts";
import { inNextTurn } from "../node/environment/timers.ts";
import { fetchOver } from "./fetch-over.ts";
import { checkLinkOptions, type LinkOptions, MemoryLink } from "./memory-link.ts";

/**
 * A network in memory with one server on it: the same routes, handshakes and frames as over TCP, without
 * ports, and with links on which you can cause faults. Every URL leads to that server, whatever its host.
 *
 * It works with fake timers (`vi.useFakeTimers()`, `mock.timers.enable()` of node:test): messages arrive
 * without time passing, and heartbeats, timeouts and `latencyMs` follow the fake time. Fake the timers
 * before you open sockets, and advance time asynchronously, so that messages can arrive between the steps:
 * `await vi.advanceTimersByTimeAsync(30_000)`.
 *
 * ```ts
 * const network = new MemoryNetwork({ maxChunkBytes: 1 });
 * await using server = network.serve({ routes: { "ws:/echo": echo, "/": page } });
 * const response = await network.fetch("http://test/");
 * const socket = new network.WebSocket("ws://test/echo");
 * await socket.onOpen.first;
 * network.links.at(-1)?.reset();
 * ```
 */
export class MemoryNetwork {
  /** `WebSocket` of `tideway`, on this network. */
  readonly WebSocket: WebSocketConstructor;
  /** `WebSocketStream` of `tideway`, on this network. */
  readonly WebSocketStream: WebSocketStreamConstructor;
  /** `ReconnectingWebSocket` of `tideway`, on this network. */
  readonly ReconnectingWebSocket: ReconnectingWebSocketConstructor;
  /**
   * `fetch` of the standard, on this network, for HTTP routes. Each request uses a new link. It has no cache
   * and no cookies, and returns redirects instead of following them.
   */
  readonly fetch: typeof fetch;
  /** All links so far, the latest last. */
  readonly links: MemoryLink[] = [];
  readonly #options: LinkOptions;
  #server: NetServer | undefined;

  /** @throws UsageError `INVALID_OPTION` */
  constructor(options: LinkOptions = {}) {
    checkLinkOptions(options);
    this.#options = options;
    const connector = createConnector(fastEnvironment, () => ({
      socket: this.connect(),
      readyEvent: "connect",
    }));
    this.WebSocket = createWebSocketClass(connector, fastDispatch);
    this.WebSocketStream = defineWebSocketStream(connector, inNextTurn);
    this.ReconnectingWebSocket = createReconnectingClass(this.WebSocket);
    this.fetch = fetchOver(() => this.connect());
  }

  /**
   * Serves `routes` on the network, as `attach` of `tideway/server` does on an HTTP server. The limits of
   * `serve` on the size of request heads, and on the time that they take, do not apply.
   *
   * @throws UsageError as `attach` does
   */
  serve<
    const Key extends string,
    const Protocols extends Record<string, unknown>,
    States extends Record<string, unknown>,
    Schemas extends Record<string, unknown>,
  >(options: ApplicationOptions & RoutesOption<Key, Protocols, States, Schemas>): Attachment {
    const httpServer = createServer();
    this.listen(httpServer);
    return attach(httpServer, options);
  }

  /** Puts your own server on the network, such as an HTTP server for `attach`. @throws UsageError `INVALID_OPTION` */
  listen(server: NetServer): void {
    if (typeof (server as NetServer | undefined | null)?.emit !== "function") {
      throw new UsageError(
        "INVALID_OPTION",
        "MemoryNetwork: listen needs a server of node:http or node:net",
      );
    }
    this.#server = server;
  }

  /**
   * Opens a connection for any bytes, or for clients of other libraries: the client's end of a new link. It
   * emits `connect`, or an error if no server is on the network.
   */
  connect(): Duplex {
    const server = this.#server;
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
  inNextTurn(() => socket.destroy(error));
  return socket;
}
