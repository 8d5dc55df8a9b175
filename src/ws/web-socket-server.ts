import { EventEmitter } from "node:events";
import type { IncomingMessage, Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { UsageError } from "../errors/index.ts";
import { format } from "./extensions/extension.ts";
import { PerMessageDeflate } from "./extensions/per-message-deflate.ts";
import type { SocketOptions } from "./socket/socket-options.ts";
import type { WebSocket } from "./web-socket.ts";
import { type NegotiatedExtensions, negotiateExtensions } from "./server/extensions.ts";
import { addListeners, createUpgradeServer } from "./server/http-server.ts";
import {
  type ResolvedServerOptions,
  resolveServerOptions,
  type ServerOptions,
} from "./server-options.ts";
import type {
  OtherListener,
  ServerEventMap,
  ServerListener,
  UpgradeCallback,
} from "./server-events.ts";
import { INTERNAL_ERROR, type Refusal, refuse } from "./server/refusal.ts";
import { type HandshakeRequest, readHandshakeRequest, readSubprotocols } from "./server/request.ts";
import { checkSubprotocol, joinLines, responseLines } from "./server/response.ts";
import {
  attempt,
  checkNotUpgraded,
  isUpgraded,
  sendAcceptance,
  watchErrors,
} from "./server/upgrade-socket.ts";
import { verifyClient, whenDecided } from "./server/verify-client.ts";

/** The arguments of `handleUpgrade`. */
interface Upgrade<T extends typeof WebSocket, U extends typeof IncomingMessage> {
  readonly request: InstanceType<U>;
  readonly socket: Duplex;
  readonly head: Buffer;
  readonly callback: UpgradeCallback<T, U>;
}

/**
 * - `running`: handshakes are accepted.
 * - `closing`: `close` was called, and sockets or the HTTP server are still open.
 * - `closed`: `close` was emitted.
 *
 * A state only changes to a state that is listed after it.
 */
type ServerState = "running" | "closing" | "closed";

export interface WebSocketServer<
  T extends typeof WebSocket = typeof WebSocket,
  U extends typeof IncomingMessage = typeof IncomingMessage,
> {
  on<K extends keyof ServerEventMap>(event: K, listener: ServerListener<this, T, U, K>): this;
  on(event: string | symbol, listener: OtherListener<this>): this;
  once<K extends keyof ServerEventMap>(event: K, listener: ServerListener<this, T, U, K>): this;
  once(event: string | symbol, listener: OtherListener<this>): this;
  off<K extends keyof ServerEventMap>(event: K, listener: ServerListener<this, T, U, K>): this;
  off(event: string | symbol, listener: OtherListener<this>): this;
  addListener<K extends keyof ServerEventMap>(
    event: K,
    listener: ServerListener<this, T, U, K>,
  ): this;
  addListener(event: string | symbol, listener: OtherListener<this>): this;
  removeListener<K extends keyof ServerEventMap>(
    event: K,
    listener: ServerListener<this, T, U, K>,
  ): this;
  removeListener(event: string | symbol, listener: OtherListener<this>): this;
}

/** A WebSocket server with the interface of the package `ws`. */
export class WebSocketServer<
  T extends typeof WebSocket = typeof WebSocket,
  U extends typeof IncomingMessage = typeof IncomingMessage,
> extends EventEmitter {
  /** The options with their defaults. */
  options: ResolvedServerOptions<T, U>;
  /** All open WebSockets. Undefined if the option `clientTracking` is false. */
  declare clients: Set<InstanceType<T>>;
  #httpServer: HttpServer | null = null;
  #path: string | undefined;
  #removeListeners: (() => void) | undefined;
  #state: ServerState = "running";
  /** Called by a tracked WebSocket when it is closed. All of them share the function. */
  readonly #onClientClose: (this: WebSocket) => void;

  /**
   * @param callback a listener for `listening` on the HTTP server that the option `port` creates
   * @throws TypeError unless exactly one of `port`, `server` and `noServer` is set
   * @throws UsageError `INVALID_OPTION`
   */
  constructor(options?: ServerOptions<T, U>, callback?: () => void) {
    super();
    this.options = resolveServerOptions(options);
    if (this.options.clientTracking) this.clients = new Set();
    const forget = (client: InstanceType<T>): void => this.#forget(client);
    this.#onClientClose = function onClientClose(this: WebSocket): void {
      forget(this as InstanceType<T>);
    };
    this.#listen(callback);
  }

  /**
   * The option `path`; empty without it. An adapter may assign its own path, as NestJS does. That does not change
   * which requests are accepted.
   */
  get path(): string {
    return this.#path ?? this.options.path ?? "";
  }

  set path(path: string) {
    this.#path = path;
  }

  /** The HTTP server; null in "noServer" mode, and after `close`. */
  get _server(): HttpServer | null {
    return this.#httpServer;
  }

  /**
   * Returns the address of the HTTP server; null before it listens and after `close`.
   *
   * @throws Error in "noServer" mode
   */
  address(): AddressInfo | string | null {
    if (this.options.noServer) throw new Error('The server is operating in "noServer" mode');
    return this.#httpServer?.address() ?? null;
  }

  /**
   * Stops accepting handshakes, and closes the HTTP server if the option `port` has created it. Open sockets
   * remain open. `close` is emitted, and `callback` called, when the HTTP server and all tracked sockets are
   * closed.
   *
   * @param callback gets an error if the server is already closed
   */
  close(callback?: (error?: Error) => void): void {
    if (this.#state === "closed") {
      if (callback) this.once("close", () => callback(new Error("The server is not running")));
      process.nextTick(() => this.emit("close"));
      return;
    }
    if (callback) this.once("close", () => callback());
    if (this.#state === "closing") return;
    this.#state = "closing";
    const httpServer = this.#httpServer;
    this.#httpServer = null;
    this.#removeListeners?.();
    if (httpServer !== null && !this.options.server) httpServer.close(() => this.#emitClose());
    else if (this.clients === undefined || this.clients.size === 0) this.#emitCloseSoon();
  }

  /** Returns whether the path of the request is the option `path`. Subclasses may override it. */
  shouldHandle(request: InstanceType<U>): boolean | Promise<boolean> {
    const { path } = this.options;
    return !path || request.url?.replace(/\?.*$/s, "") === path;
  }

  /**
   * Does the opening handshake on a socket of the event `upgrade`. Calls `callback` if it succeeds. Otherwise
   * the client gets an HTTP response, and the socket is closed.
   *
   * @param head the bytes that arrived after the request
   * @throws Error if it was called before with the same socket, and what callbacks of the options throw
   */
  handleUpgrade(
    request: InstanceType<U>,
    socket: Duplex,
    head: Buffer,
    callback: UpgradeCallback<T, U>,
  ): void {
    watchErrors(socket);
    const upgrade = { request, socket, head, callback };
    attempt(socket, () => {
      const handshake = readHandshakeRequest(request);
      if ("status" in handshake) this.#refuseInvalid(upgrade, handshake);
      else this.#askWhetherToHandle(upgrade, handshake);
    });
  }

  #askWhetherToHandle(upgrade: Upgrade<T, U>, handshake: HandshakeRequest): void {
    whenDecided(this.shouldHandle(upgrade.request), { status: 400 }, (decision) => {
      this.#proceed(upgrade, decision, () => this.#negotiate(upgrade, handshake));
    });
  }

  #negotiate(upgrade: Upgrade<T, U>, handshake: HandshakeRequest): void {
    const { request, socket, head, callback } = upgrade;
    const protocols = readSubprotocols(request);
    if (protocols === undefined) {
      this.#refuseInvalid(upgrade, INVALID_PROTOCOLS);
      return;
    }
    const extensions = negotiateExtensions(request, this.options);
    if (extensions === undefined) {
      this.#refuseInvalid(upgrade, INVALID_EXTENSIONS);
      return;
    }
    verifyClient(this.options as unknown as ServerOptions, request, handshake, (decision) => {
      this.#proceed(upgrade, decision, () => {
        this.completeUpgrade(extensions, handshake.key, protocols, request, socket, head, callback);
      });
    });
  }

  /** Continues with `next` if the decision is undefined. */
  #proceed(upgrade: Upgrade<T, U>, decision: Refusal | Error | undefined, next: () => void): void {
    attempt(upgrade.socket, () => {
      if (decision === undefined) next();
      else if (decision instanceof Error) this.#fail(upgrade, decision, INTERNAL_ERROR);
      else this.#refuse(upgrade, decision);
    });
  }

  /**
   * Accepts a handshake: sends the response, and calls `callback` with the open WebSocket. `handleUpgrade`
   * calls it. Subclasses may override it.
   *
   * @throws Error if the handshake of this socket was accepted before
   */
  completeUpgrade(
    extensions: NegotiatedExtensions,
    key: string,
    protocols: Set<string>,
    request: InstanceType<U>,
    socket: Duplex,
    head: Buffer,
    callback: UpgradeCallback<T, U>,
  ): void {
    // The client may have disconnected while the application was deciding.
    if (!socket.readable || !socket.writable) {
      socket.destroy();
      return;
    }
    checkNotUpgraded(socket);
    if (this.#state !== "running") {
      refuse(socket, { status: 503 });
      return;
    }
    const { WebSocket: SocketClass } = this.options;
    const client = new SocketClass!(null, undefined, this.options) as InstanceType<T>;
    const upgrade = { request, socket, head, callback };
    const protocol = this.#sendResponse(upgrade, { extensions, key, protocols });
    if (protocol === undefined) return;
    client.setSocket(socket, head, this.#socketOptions(protocol, extensions));
    if (this.clients !== undefined) {
      this.clients.add(client);
      client.on("close", this.#onClientClose);
    }
    callback(client, request);
  }

  /** Accepts the handshake. Returns the subprotocol; undefined if the response is invalid and was not sent. */
  #sendResponse(upgrade: Upgrade<T, U>, offer: Negotiated): string | undefined {
    const { request, socket } = upgrade;
    try {
      const protocol = this.#chooseProtocol(offer.protocols, request);
      const lines = responseLines(offer.key, protocol, formatExtensions(offer.extensions));
      this.emit("headers", lines, request);
      sendAcceptance(socket, joinLines(lines));
      return protocol;
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      this.#fail(upgrade, error, INTERNAL_ERROR);
      return undefined;
    }
  }

  #chooseProtocol(protocols: Set<string>, request: InstanceType<U>): string {
    if (protocols.size === 0) return "";
    const { handleProtocols } = this.options;
    if (!handleProtocols) return protocols.values().next().value!;
    return checkSubprotocol(handleProtocols.call(this.options, protocols, request));
  }

  #socketOptions(protocol: string, extensions: NegotiatedExtensions): SocketOptions {
    const { allowSynchronousEvents, maxPayload, maxFragments, skipUTF8Validation } = this.options;
    const deflate = extensions[PerMessageDeflate.extensionName]?.agreement;
    return {
      allowSynchronousEvents,
      maxPayload,
      maxFragments,
      skipUTF8Validation,
      protocol,
      deflate,
    };
  }

  /** Refuses a request that is not a valid handshake. */
  #refuseInvalid(upgrade: Upgrade<T, U>, refusal: Refusal): void {
    this.#fail(upgrade, new Error(refusal.message), refusal);
  }

  /** Reports an error to the listeners of `wsClientError`, which close the socket. Without listeners, refuses. */
  #fail({ request, socket }: Upgrade<T, U>, error: Error, refusal: Refusal): void {
    if (this.listenerCount("wsClientError") > 0) this.emit("wsClientError", error, socket, request);
    else refuse(socket, refusal);
  }

  /** Sends the refusal that the application has decided on, unless another server has accepted the handshake. */
  #refuse(upgrade: Upgrade<T, U>, refusal: Refusal): void {
    if (isUpgraded(upgrade.socket)) return;
    try {
      refuse(upgrade.socket, refusal);
    } catch (error) {
      this.#fail(upgrade, error as Error, INTERNAL_ERROR);
    }
  }

  #listen(callback: (() => void) | undefined): void {
    const { port, host, backlog, server } = this.options;
    const ownServer = server || this.options.noServer ? undefined : createUpgradeServer();
    const httpServer = ownServer ?? server;
    if (!httpServer) return;
    this.#httpServer = httpServer;
    this.#removeListeners = addListeners(httpServer, {
      listening: () => this.emit("listening"),
      error: (error: Error) => this.emit("error", error),
      upgrade: (request: InstanceType<U>, socket: Duplex, head: Buffer) => {
        this.handleUpgrade(request, socket, head, this.#emitConnection);
      },
    });
    ownServer?.listen(port, host ?? undefined, backlog ?? undefined, callback);
  }

  readonly #emitConnection: UpgradeCallback<T, U> = (client, request) => {
    this.emit("connection", client, request);
  };

  #forget(client: InstanceType<T>): void {
    this.clients.delete(client);
    const waitsForHttpServer = !this.options.server && !this.options.noServer;
    if (this.#state === "closing" && this.clients.size === 0 && !waitsForHttpServer) {
      this.#emitCloseSoon();
    }
  }

  #emitCloseSoon(): void {
    process.nextTick(() => this.#emitClose());
  }

  #emitClose(): void {
    this.#state = "closed";
    this.emit("close");
  }
}

/** The parts of a handshake that the response depends on. */
interface Negotiated {
  readonly extensions: NegotiatedExtensions;
  readonly key: string;
  readonly protocols: Set<string>;
}

const INVALID_PROTOCOLS: Refusal = {
  status: 400,
  message: "Invalid Sec-WebSocket-Protocol header",
};
const INVALID_EXTENSIONS: Refusal = {
  status: 400,
  message: "Invalid or unacceptable Sec-WebSocket-Extensions header",
};

function formatExtensions(extensions: NegotiatedExtensions): string {
  const { extensionName } = PerMessageDeflate;
  const params = extensions[extensionName]?.params;
  return params === undefined || params === null ? "" : format({ [extensionName]: { ...params } });
}
