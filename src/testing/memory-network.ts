/// <reference types="node" preserve="true" />
import { createServer } from "node:http";
import type { Server as NetServer } from "node:net";
import { Duplex } from "node:stream";
import type {
  ReconnectingWebSocketConstructor,
  WebSocketConstructor,
  WebSocketStreamConstructor,
} from "tideway";
import type { ChannelClient, ConnectOptions, Contract } from "tideway/channels";
import type { ApplicationOptions, Attachment, RoutesOption } from "tideway/server";
import { defineWebSocketStream } from "../client/web-socket-stream.ts";
import { UsageError } from "../errors/index.ts";
import { createReconnectingClass } from "../node/client/reconnecting-class.ts";
import { createWebSocketClass } from "../node/client/web-socket-class.ts";
import { createConnect } from "../node/connect-channels.ts";
import { createConnector } from "../node/client/connect.ts";
import { attach } from "../node/serve/serve.ts";
import { fastDispatch, fastEnvironment } from "../node/serve/tcp-environments.ts";
import { inNextTurn } from "../node/environment/timers.ts";
import { fetchOver } from "./fetch-over.ts";
import { checkLinkOptions, type LinkOptions, MemoryLink } from "./memory-link.ts";

/**
 * An in-memory network, to test routes and clients without ports. Every URL, with any host, reaches the
 * network's only server. Routes, handshakes and frames are the same as over TCP. You can cause faults on the
 * links.
 *
 * Fake timers work (`vi.useFakeTimers()`, or `mock.timers.enable()` of `node:test`). Messages arrive even if
 * you do not advance the time. Heartbeats, timeouts and `latencyMs` use the fake time. Fake the timers before
 * you open sockets. Advance the time asynchronously, so that messages can arrive between the steps:
 * `await vi.advanceTimersByTimeAsync(30_000)`.
 *
 * @example
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
  /** The class `WebSocket` of `tideway`, which connects over this network. */
  readonly WebSocket: WebSocketConstructor;
  /** The class `WebSocketStream` of `tideway`, which connects over this network. */
  readonly WebSocketStream: WebSocketStreamConstructor;
  /** The class `ReconnectingWebSocket` of `tideway`, which connects over this network. */
  readonly ReconnectingWebSocket: ReconnectingWebSocketConstructor;
  /**
   * Sends an HTTP request over this network, like `fetch` of the standard. Each request uses a new link. It
   * does not cache, does not keep cookies, and returns redirects instead of following them.
   */
  readonly fetch: typeof fetch;
  /** The links of all connections, in the order in which they were opened. */
  readonly links: MemoryLink[] = [];
  readonly #options: LinkOptions;
  #server: NetServer | undefined;

  /**
   * Creates a network. `options` apply to each of its links.
   *
   * @throws UsageError `INVALID_OPTION`
   */
  constructor(options: LinkOptions = {}) {
    checkLinkOptions(options);
    this.#options = options;
    const connector = createConnector(fastEnvironment, () => ({
      socket: this.#dial(),
      readyEvent: "connect",
    }));
    this.WebSocket = createWebSocketClass(connector, fastDispatch);
    this.WebSocketStream = defineWebSocketStream(connector, inNextTurn);
    this.ReconnectingWebSocket = createReconnectingClass(this.WebSocket);
    this.fetch = fetchOver(() => this.#dial());
  }

  /**
   * Serves `routes` on this network, as `attach` from `tideway/server` does on an HTTP server. Unlike with
   * `serve`, neither the size of a request head nor the time to send it is limited.
   *
   * @throws UsageError `INVALID_ROUTE`, `INVALID_OPTION`, `INVALID_ORIGIN`
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

  /**
   * Connects your own server to this network, such as an HTTP server for `attach`. It replaces an earlier
   * server.
   *
   * @throws UsageError `INVALID_OPTION` if `server` is not a server of `node:http` or `node:net`
   */
  listen(server: NetServer): void {
    if (typeof (server as NetServer | undefined | null)?.emit !== "function") {
      throw new UsageError(
        "INVALID_OPTION",
        "MemoryNetwork: the argument of listen is not a server; pass a server of node:http or node:net",
      );
    }
    this.#server = server;
  }

  /**
   * Connects a client of channels to a route of the server, as `connect` from `tideway/channels` does.
   *
   * @example
   * ```ts
   * const client = network.connect(contract, "ws://test/api", { auth: "token" });
   * ```
   *
   * @throws UsageError for an option or a URL that is not valid
   */
  connect<C extends Contract>(
    contract: C,
    url: string | URL,
    options?: Omit<ConnectOptions<C>, "contract">,
  ): ChannelClient<C>;
  /**
   * Opens a connection for arbitrary bytes, for example for a client of another library. Returns the client's
   * end of a new link, which emits `connect`, or the error ECONNREFUSED if the network has no server.
   */
  connect(): Duplex;
  connect(contract?: Contract, url?: string | URL, options?: object): ChannelClient | Duplex {
    if (contract === undefined) return this.#dial();
    return createConnect(this.WebSocket)(url!, { ...options, contract }) as ChannelClient;
  }

  #dial(): Duplex {
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
