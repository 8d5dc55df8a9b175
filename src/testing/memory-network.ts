/// <reference types="node" preserve="true" />
import { createServer } from "node:http";
import type { Server as NetServer } from "node:net";
import { Duplex } from "node:stream";
import type { ReconnectingWebSocketConstructor } from "../client/reconnecting-interface.ts";
import type { WebSocketConstructor } from "../client/web-socket-interface.ts";
import { defineWebSocketStream } from "../client/web-socket-stream.ts";
import type { WebSocketStreamConstructor } from "../client/web-socket-stream-interface.ts";
import { createReconnectingClass } from "../node/client/reconnecting-class.ts";
import { createWebSocketClass } from "../node/client/web-socket-class.ts";
import { createConnector } from "../node/client/connect.ts";
import type { Attachment } from "../node/serve/running-server.ts";
import { attach, type RoutesOption } from "../node/serve/serve.ts";
import { fastDispatch, fastEnvironment } from "../node/serve/tcp-environments.ts";
import type { ApplicationOptions } from "../server/application.ts";
import { inNextTurn } from "../node/environment/timers.ts";
import { fetchOver } from "./fetch-over.ts";
import { checkLinkOptions, type LinkOptions, MemoryLink } from "./memory-link.ts";

/**
 * A network in memory with one server on it: the same routes, handshakes and frames as over TCP,
 * without ports, and with links that can be made to misbehave. Every URL leads to that server,
 * whatever its host.
 *
 * It works while a test fakes timers (`vi.useFakeTimers()`, `mock.timers.enable()` of node:test):
 * messages arrive without time passing, and heartbeats, timeouts and `latencyMs` follow the faked
 * time. Fake the timers before you open sockets, and let time pass in small steps between which
 * messages can arrive: `await vi.advanceTimersByTimeAsync(30_000)`.
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
   * Asks a route that is no WebSocket's; as the standard's function, over a link of its own for
   * each request. It has no cache and no cookies, and hands out redirects instead of following them.
   */
  readonly fetch: typeof fetch;
  /** The links there have been, the latest last. */
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
   * Puts `routes` on the network, as `attach` of `tideway/server` does on an HTTP server: what `serve`
   * adds for the heads of requests, their limits in bytes and time, does not hold here.
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

  /** Puts a server of your own on the network, such as the HTTP server that you `attach` to. */
  listen(server: NetServer): void {
    this.#server = server;
  }

  /**
   * A connection to say anything on, also for clients of another make: the client's end of a new
   * link. It emits `connect`, or an error where no server is on the network.
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
