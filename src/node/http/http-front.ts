import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { Socket as NetSocket } from "node:net";
import type { Duplex } from "node:stream";
import type { Application } from "../../server/application.ts";
import type { Farewell } from "../../server/socket-drain.ts";
import type { Peer, UpgradeDecision } from "../../server/upgrade.ts";
import { goingAway, type Refusal, reportRefusal } from "../serve/refusal.ts";
import { readTarget } from "../serve/request-target.ts";
import { ProxiedTargets } from "../serve/proxied-targets.ts";
import { RequestListener } from "../serve/request-listener.ts";
import { forwardDrain, refuse, UpgradeListener } from "./http-upgrade.ts";
import type { HttpUpgradeAttempt } from "./http-upgrade-attempt.ts";
import { ignoreUpgrade, isWebSocketUpgrade } from "./ignore-upgrade.ts";
import { InFlight } from "./in-flight.ts";
import { lingeringClose } from "./lingering-close.ts";
import { Ending } from "../serve/ending.ts";
import type { OpenSockets } from "../serve/running-server.ts";

type RequestArgs = [request: IncomingMessage, response: ServerResponse];
type UpgradeArgs = [request: IncomingMessage, socket: Duplex, head: Buffer];
type Listener<Args extends unknown[]> = (...args: Args) => void;

const CONNECT_UNKNOWN: Refusal = { status: 501, message: "CONNECT is not implemented." };
const PIPELINED: Refusal = { status: 400, message: "The opening handshake was pipelined." };

/** An application as the listener of a `node:http` server. */
export class HttpFront {
  readonly targets: ProxiedTargets;
  readonly #application: Application;
  readonly #httpServer: Server;
  /** All that is owed on connections of the server, by whomever. */
  readonly #owed = new InFlight();
  /** What this front itself has to answer. */
  readonly #inFlight = new InFlight();
  readonly #requests: RequestListener;
  readonly #upgrades: UpgradeListener;
  /** Those who listened before, and now get what no route is for. */
  readonly #otherRequest: Array<Listener<RequestArgs>>;
  readonly #otherUpgrade: Array<Listener<UpgradeArgs>>;
  /** The connections that speak no HTTP any more. */
  readonly #taken = new WeakSet<Duplex>();
  #ending: Ending | undefined;
  /** For whoever comes while the server stops. */
  #farewell: Refusal | undefined;
  #isDetached = false;

  constructor(application: Application, httpServer: Server) {
    this.#application = application;
    this.#httpServer = httpServer;
    this.targets = new ProxiedTargets(application.readProxies, httpServer);
    this.#requests = new RequestListener(application);
    this.#upgrades = new UpgradeListener(application, httpServer, this.targets, this.#inFlight);
    this.#otherRequest = takeListeners<RequestArgs>(httpServer, "request");
    this.#otherUpgrade = takeListeners<UpgradeArgs>(httpServer, "upgrade");
    httpServer.on("request", this.#onRequest);
    httpServer.on("upgrade", this.#onUpgrade);
  }

  get sockets(): OpenSockets {
    return this.#application.sockets;
  }

  /** Whether everybody who comes is told that the server is going away. */
  get isStopping(): boolean {
    return this.#farewell !== undefined;
  }

  /** Whether something is being done for `connection`. */
  isBusy(connection: Duplex): boolean {
    return this.#taken.has(connection) || this.#inFlight.on(connection) !== undefined;
  }

  /** Those of `connections` that nothing is being done for. */
  *idleAmong(connections: Iterable<Duplex>): Iterable<Duplex> {
    for (const connection of connections) if (!this.isBusy(connection)) yield connection;
  }

  /** Refuses what came on `socket` and is no request, behind the answers to what came before. */
  refuseGarbage(socket: Duplex, refusal: Refusal): void {
    // A connection that was opened in advance, and never used, asked for nothing.
    if (!(socket instanceof NetSocket && socket.bytesRead === 0)) {
      reportRefusal(this.#application.refusals, "request", refusal, {
        socket: socket as Peer,
      });
    }
    const owed = this.#owed.on(socket);
    if (owed === undefined) refuse(socket, refusal);
    else if (owed.req.complete) owed.once("close", () => refuse(socket, refusal));
    // The garbage is in the request's own body, so that its handler may wait for the end for ever.
    else if (owed.headersSent) socket.destroy();
    else refuse(socket, refusal);
  }

  /** Refuses to be a proxy (RFC 9110 9.3.6). */
  refuseConnect(request: IncomingMessage, socket: Duplex): void {
    reportRefusal(this.#application.refusals, "request", CONNECT_UNKNOWN, request);
    refuse(socket, CONNECT_UNKNOWN);
  }

  /** Decides on an opening handshake that did not come by the HTTP server. */
  decide(attempt: HttpUpgradeAttempt): UpgradeDecision | Promise<UpgradeDecision> {
    return this.#application.gate.decide(attempt);
  }

  /** Does on `socket`, which is ours from now on, what comes of {@link decide}. */
  answer(
    attempt: HttpUpgradeAttempt,
    decision: UpgradeDecision | Promise<UpgradeDecision>,
    socket: Duplex,
    head: Uint8Array,
  ): void {
    this.#taken.add(socket);
    ignoreErrors(socket);
    this.#upgrades.answer(attempt, decision, socket, head);
  }

  /** Gives the server back to those who listened before. */
  detach(): void {
    if (this.#isDetached) return;
    this.#isDetached = true;
    handBack(this.#httpServer, "request", this.#onRequest, this.#otherRequest);
    handBack(this.#httpServer, "upgrade", this.#onUpgrade, this.#otherUpgrade);
  }

  /**
   * Lets no more sockets in and closes those there are. Resolves when all work has ended. Called
   * again, it can only be quicker.
   */
  async stop(farewell: Farewell): Promise<void> {
    this.#ending ??= new Ending(this.#refuseWork(farewell), () => this.#drop());
    this.#application.drain.start(farewell);
    this.#ending.within(farewell.timeoutMs);
    await this.#ending.done;
  }

  /** Takes on nothing more. Resolves when what there is has ended. */
  async #refuseWork({ timeoutMs }: Farewell): Promise<void> {
    const refusal = goingAway(timeoutMs);
    this.#farewell = refusal;
    this.#requests.stop(refusal);
    this.#upgrades.refuseUndecided(refusal);
    for (const response of this.#inFlight) {
      response.once("close", () => lingeringClose(response.req.socket));
    }
    await Promise.all([this.#application.sockets.whenIdle(), this.#inFlight.whenIdle()]);
  }

  #drop(): void {
    for (const socket of this.#application.sockets) socket.terminate();
    for (const response of this.#inFlight) response.req.socket.destroy();
  }

  readonly #onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    this.#owed.add(response);
    const direct = readTarget(request, this.#httpServer);
    const target = this.targets.resolve(direct, request.rawHeaders, request.socket);
    if (this.#isOurs(this.#otherRequest, () => this.#requests.isFor(request.method, target))) {
      this.#inFlight.add(response);
      this.#requests.handle(request, response, target);
    } else {
      for (const listener of this.#otherRequest) listener.call(this.#httpServer, request, response);
    }
  };

  readonly #onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const isWebSocket = isWebSocketUpgrade(request);
    if (this.#isOurs(this.#otherUpgrade, () => isWebSocket && this.#upgrades.isFor(request))) {
      // Until somebody takes the socket over, its errors are nobody's.
      ignoreErrors(socket);
      if (isWebSocket) this.#upgrade(request, socket, head);
      else this.#ignoreUpgrade(request, socket, head);
    } else {
      for (const listener of this.#otherUpgrade) {
        listener.call(this.#httpServer, request, socket, head);
      }
    }
  };

  /** Whether a request is for a route of ours, or there is nobody else to serve it. */
  #isOurs(others: readonly unknown[], isForUs: () => boolean): boolean {
    return others.length === 0 || (!this.#isDetached && isForUs());
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#taken.add(socket);
    const owed = this.#owed.on(socket);
    if (owed !== undefined) {
      // A client that sends its handshake before it is answered would take that answer for ours.
      socket.once("end", () => socket.destroy()).resume();
      whenAnswered(owed, socket, () => this.#refuse(request, socket, PIPELINED));
    } else if (this.#farewell !== undefined) this.#refuse(request, socket, this.#farewell);
    else this.#upgrades.handle(request, socket, head);
  }

  #refuse(request: IncomingMessage, socket: Duplex, refusal: Refusal): void {
    reportRefusal(this.#application.refusals, "handshake", refusal, request);
    refuse(socket, refusal);
  }

  #ignoreUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const owed = this.#owed.on(socket);
    const goOn = (): void => ignoreUpgrade(this.#httpServer, request, socket, head);
    if (owed === undefined) goOn();
    else whenAnswered(owed, socket, goOn);
  }
}

/** Calls back once `owed`, and with it all before it, has been answered on `socket`. */
function whenAnswered(owed: ServerResponse, socket: Duplex, callback: () => void): void {
  forwardDrain(socket, owed);
  owed.once("close", () => {
    if (!socket.destroyed) callback();
  });
}

function takeListeners<Args extends unknown[]>(
  httpServer: Server,
  event: "request" | "upgrade",
): Array<Listener<Args>> {
  const listeners = httpServer.listeners(event) as Array<Listener<Args>>;
  httpServer.removeAllListeners(event);
  return listeners;
}

/** Puts `others` in the place of `own`, unless somebody else has put himself in front since. */
function handBack<Args extends unknown[]>(
  httpServer: Server,
  event: "request" | "upgrade",
  own: Listener<Args>,
  others: ReadonlyArray<Listener<Args>>,
): void {
  if (!httpServer.listeners(event).includes(own)) return;
  httpServer.off(event, own);
  for (const listener of others) httpServer.on(event, listener);
}

function ignoreErrors(socket: Duplex): void {
  // One whose upgrade has been ignored comes here again with its next.
  if (!socket.listeners("error").includes(ignoreError)) socket.on("error", ignoreError);
}

function ignoreError(): void {}
