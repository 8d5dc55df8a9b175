import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Application } from "../server/application.ts";
import { RequestListener } from "./http-request.ts";
import { type Refusal, refuse, UpgradeListener } from "./http-upgrade.ts";
import { ignoreUpgrade, isWebSocketUpgrade } from "./ignore-upgrade.ts";
import { InFlight } from "./in-flight.ts";
import { lingeringClose } from "./lingering-close.ts";
import type { OpenSockets, ResolvedStopOptions } from "./running-server.ts";
import { withDeadline } from "./with-deadline.ts";

type RequestArgs = [request: IncomingMessage, response: ServerResponse];
type UpgradeArgs = [request: IncomingMessage, socket: Duplex, head: Buffer];
type Listener<Args extends unknown[]> = (...args: Args) => void;

const STOPPING: Refusal = { status: 503, message: "The server is going away." };

/** An application as the listener of a `node:http` server. */
export class HttpFront {
  readonly #application: Application;
  readonly #httpServer: Server;
  readonly #inFlight = new InFlight();
  readonly #requests: RequestListener;
  readonly #upgrades: UpgradeListener;
  /** Those who listened before, and now get what no route is for. */
  readonly #otherRequest: Array<Listener<RequestArgs>>;
  readonly #otherUpgrade: Array<Listener<UpgradeArgs>>;
  /** The connections that speak no HTTP any more. */
  readonly #taken = new WeakSet<Duplex>();
  #isStopping = false;

  constructor(application: Application, httpServer: Server) {
    this.#application = application;
    this.#httpServer = httpServer;
    this.#requests = new RequestListener(application);
    this.#upgrades = new UpgradeListener(application, this.#inFlight);
    this.#otherRequest = takeListeners<RequestArgs>(httpServer, "request");
    this.#otherUpgrade = takeListeners<UpgradeArgs>(httpServer, "upgrade");
    httpServer.on("request", this.#onRequest);
    httpServer.on("upgrade", this.#onUpgrade);
  }

  get sockets(): OpenSockets {
    return this.#application.sockets;
  }

  /** Those of `connections` that nothing is being done for. */
  *idleAmong(connections: Iterable<Duplex>): Iterable<Duplex> {
    const busy = new Set<Duplex>(Array.from(this.#inFlight, ({ req }) => req.socket));
    for (const connection of connections) {
      if (!busy.has(connection) && !this.#taken.has(connection)) yield connection;
    }
  }

  /** Refuses what came on `socket` and is no request, behind the answers to what came before. */
  refuseGarbage(socket: Duplex, refusal: Refusal): void {
    const owed = this.#inFlight.on(socket);
    if (owed === undefined) refuse(socket, refusal);
    else if (owed.req.complete) owed.once("close", () => refuse(socket, refusal));
    // The garbage is in the request's own body, so that its handler may wait for the end for ever.
    else if (owed.headersSent) socket.destroy();
    else refuse(socket, refusal);
  }

  /** Gives the server back to those who listened before. */
  detach(): void {
    this.#httpServer.off("request", this.#onRequest);
    this.#httpServer.off("upgrade", this.#onUpgrade);
    for (const listener of this.#otherRequest) this.#httpServer.on("request", listener);
    for (const listener of this.#otherUpgrade) this.#httpServer.on("upgrade", listener);
  }

  /** Lets no more sockets in and closes those there are. Resolves when all work has ended. */
  async stop({ code, reason, timeoutMs }: ResolvedStopOptions): Promise<void> {
    const { sockets } = this.#application;
    this.#isStopping = true;
    this.#requests.stop();
    this.#upgrades.refuseUndecided(STOPPING);
    for (const socket of sockets) socket.close(code, reason);
    for (const response of this.#inFlight) {
      response.once("close", () => lingeringClose(response.req.socket));
    }
    const working = Promise.all([sockets.whenEmpty(), this.#inFlight.whenIdle()]);
    await withDeadline(working, timeoutMs, () => this.#drop());
  }

  #drop(): void {
    for (const socket of this.#application.sockets) socket.terminate();
    for (const response of this.#inFlight) response.req.socket.destroy();
  }

  readonly #onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    this.#inFlight.add(response);
    if (this.#otherRequest.length === 0 || this.#requests.isFor(request)) {
      this.#requests.handle(request, response);
    } else {
      for (const listener of this.#otherRequest) listener.call(this.#httpServer, request, response);
    }
  };

  readonly #onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const isWebSocket = isWebSocketUpgrade(request);
    if (this.#otherUpgrade.length > 0 && !(isWebSocket && this.#upgrades.isFor(request))) {
      for (const listener of this.#otherUpgrade) {
        listener.call(this.#httpServer, request, socket, head);
      }
    } else if (!isWebSocket) {
      ignoreUpgrade(this.#httpServer, request, socket, head);
    } else {
      // Until somebody takes the socket over, its errors are nobody's.
      socket.on("error", ignoreError);
      this.#upgrade(request, socket, head);
    }
  };

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const owed = this.#inFlight.on(socket);
    this.#taken.add(socket);
    if (owed !== undefined) this.#refuseBehind(owed, socket);
    else if (this.#isStopping) refuse(socket, STOPPING);
    else this.#upgrades.handle(request, socket, head);
  }

  /** A client that sends its handshake before it is answered would take that answer for ours. */
  #refuseBehind(owed: ServerResponse, socket: Duplex): void {
    // The server has let go of the socket, so what it forwarded is for us to forward.
    socket.on("drain", () => owed.emit("drain"));
    socket.once("end", () => socket.destroy()).resume();
    owed.once("close", () => {
      refuse(socket, { status: 400, message: "The opening handshake was pipelined." });
    });
  }
}

function takeListeners<Args extends unknown[]>(
  httpServer: Server,
  event: "request" | "upgrade",
): Array<Listener<Args>> {
  const listeners = httpServer.listeners(event) as Array<Listener<Args>>;
  httpServer.removeAllListeners(event);
  return listeners;
}

function ignoreError(): void {}
