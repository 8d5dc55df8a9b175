import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { Socket as NetSocket } from "node:net";
import type { Duplex } from "node:stream";
import { type HttpRefusal, refuse } from "../../protocol/handshake/index.ts";
import type { Application } from "../../server/application.ts";
import type { ShutdownPlan } from "../../server/socket-drain.ts";
import type { Peer, UpgradeDecision } from "../../server/upgrade.ts";
import { RefusedRequests, shutdownRefusal } from "../requests/refused-requests.ts";
import { readTarget, type RequestTarget } from "../requests/request-target.ts";
import { ProxiedTargets } from "../requests/proxied-targets.ts";
import { RequestListener } from "../requests/request-listener.ts";
import { forwardDrain, sendRefusal, UpgradeListener } from "./http-upgrade.ts";
import type { HttpUpgradeAttempt } from "./http-upgrade-attempt.ts";
import { ignoreUpgrade, isWebSocketUpgrade } from "./ignore-upgrade.ts";
import { InFlight } from "./in-flight.ts";
import { lingeringClose } from "./lingering-close.ts";
import type { RequestLimiter } from "./request-limiter.ts";
import { MAX_UNANSWERED, RequestQueue } from "./request-queue.ts";
import type { RequestEnvironment } from "../requests/request-environment.ts";
import { DeadlineTask } from "../requests/deadline-task.ts";
import type { OpenSockets } from "../serve/running-server.ts";

const CONNECT_UNKNOWN = refuse(501, "CONNECT is not implemented.");
const PIPELINED = refuse(400, "The opening handshake was pipelined.");

/** Used only if the requests of a connection could not be limited before they were parsed. */
const TOO_MANY_REQUESTS = refuse(
  503,
  `More than ${MAX_UNANSWERED} requests of this connection are unanswered.`,
  { headers: { Connection: "close" } },
);

/** An application that answers requests and upgrades of a `node:http` server. */
export class Http1Listener {
  readonly targets: ProxiedTargets;
  readonly #refused: RefusedRequests;
  readonly #application: Application;
  readonly #httpServer: Server;
  /** What this listener itself has to answer. */
  readonly #inFlight = new InFlight();
  readonly #requests: RequestListener;
  readonly #upgrades: UpgradeListener;
  /** The connections that speak no HTTP any more. */
  readonly #taken = new WeakSet<Duplex>();
  /** The shutdown; undefined while the server serves. */
  #shutdown: DeadlineTask | undefined;
  /** The answer to new requests during a shutdown. */
  #shutdownRefusal: HttpRefusal | undefined;

  constructor(application: Application, httpServer: Server, environment: RequestEnvironment) {
    this.#application = application;
    this.#httpServer = httpServer;
    this.targets = new ProxiedTargets(application.readProxies, httpServer);
    this.#refused = new RefusedRequests(application.refusals, this.targets);
    this.#requests = new RequestListener(application, this.#refused, environment.fetch);
    this.#upgrades = new UpgradeListener(
      application,
      httpServer,
      this.targets,
      this.#refused,
      this.#inFlight,
      environment,
    );
  }

  /** Answers every request and upgrade of the server, without sharing it. */
  listen(limiter: RequestLimiter): void {
    limiter.limit(this.#httpServer);
    this.#httpServer.on("request", (request, response) => {
      RequestQueue.of(request.socket).add(response);
      this.handleRequest(request, response);
    });
    this.#httpServer.on("upgrade", (request, socket, head) =>
      this.handleUpgrade(request, socket, head),
    );
  }

  get sockets(): OpenSockets {
    return this.#application.sockets;
  }

  /** Whether everybody who comes is told that the server is going away. */
  get isStopping(): boolean {
    return this.#shutdownRefusal !== undefined;
  }

  /** Whether something is being done for `connection`. */
  isBusy(connection: Duplex): boolean {
    return this.#taken.has(connection) || RequestQueue.of(connection).length > 0;
  }

  /** Those of `connections` that nothing is being done for. */
  *idleAmong(connections: Iterable<Duplex>): Iterable<Duplex> {
    for (const connection of connections) if (!this.isBusy(connection)) yield connection;
  }

  /** Refuses what came on `socket` and is no request, behind the answers to what came before. */
  refuseGarbage(socket: Duplex, refusal: HttpRefusal): void {
    const latest = RequestQueue.of(socket).latest;
    // Browsers open connections in advance and may never use them.
    if (!(socket instanceof NetSocket && socket.bytesRead === 0)) {
      // Garbage in the body of a request is that request's, whose head tells the client.
      if (latest?.req.complete === false) this.#report("request", refusal, latest.req);
      else {
        const connection = { rawHeaders: [], socket: socket as Peer, target: undefined };
        this.#refused.report("request", refusal, connection);
      }
    }
    if (latest === undefined) sendRefusal(socket, refusal);
    else if (latest.req.complete) latest.once("close", () => sendRefusal(socket, refusal));
    // The garbage is in the request's own body, so that its handler may wait for the end for ever.
    else if (latest.headersSent) socket.destroy();
    else sendRefusal(socket, refusal);
  }

  /** Refuses to be a proxy (RFC 9110 9.3.6). */
  refuseConnect(request: IncomingMessage, socket: Duplex): void {
    const answer = (): void => {
      this.#report("request", CONNECT_UNKNOWN, request);
      sendRefusal(socket, CONNECT_UNKNOWN);
    };
    const { latest } = RequestQueue.of(socket);
    if (latest === undefined) answer();
    else {
      // Sent earlier, a client would take this response for that of an earlier request.
      socket.once("end", () => socket.destroy()).resume();
      whenAnswered(latest, socket, answer);
    }
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

  /** Whether an HTTP route matches this request. */
  hasRouteFor(request: IncomingMessage): boolean {
    return this.#requests.isFor(request.method, this.#targetOf(request));
  }

  /** Whether a route matches the path of this request, by any method. */
  knowsPathOf(request: IncomingMessage): boolean {
    return this.#requests.knowsPath(request.method, this.#targetOf(request));
  }

  /** Whether a `ws:` route matches this request. */
  hasWebSocketRouteFor(request: IncomingMessage): boolean {
    return this.#upgrades.isFor(request);
  }

  handleRequest(request: IncomingMessage, response: ServerResponse): void {
    this.#inFlight.add(response);
    const target = this.#targetOf(request);
    if (RequestQueue.of(request.socket).length <= MAX_UNANSWERED) {
      this.#requests.handle(request, response, target);
    } else this.#requests.refuse(request, response, target, TOO_MANY_REQUESTS);
  }

  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // Without a listener, an error of the socket would end the process.
    ignoreErrors(socket);
    if (isWebSocketUpgrade(request)) this.#upgrade(request, socket, head);
    else this.#ignoreUpgrade(request, socket, head);
  }

  /**
   * Lets no more sockets in and closes those there are. Resolves when all work has ended. Called
   * again, it can only be quicker.
   */
  async stop(plan: ShutdownPlan): Promise<void> {
    const shutdown = (this.#shutdown ??= this.#shutDown(plan));
    this.#application.drain.start(plan);
    shutdown.setDeadline(plan.timeoutMs);
    await shutdown.done;
  }

  /** Answers requests again, when the closed HTTP server listens again. */
  resume(): void {
    if (this.#shutdown === undefined) return;
    this.#shutdown = undefined;
    this.#shutdownRefusal = undefined;
    this.#requests.resume();
    this.#application.drain.reset();
  }

  #shutDown(plan: ShutdownPlan): DeadlineTask {
    const shutdown: DeadlineTask = new DeadlineTask(this.#refuseWork(plan), () => {
      // If the server listens again by then, its new connections must stay open.
      if (this.#shutdown === shutdown) this.#drop();
    });
    return shutdown;
  }

  /** Takes on nothing more. Resolves when what there is has ended. */
  async #refuseWork({ timeoutMs }: ShutdownPlan): Promise<void> {
    const refusal = shutdownRefusal(timeoutMs);
    this.#shutdownRefusal = refusal;
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

  #targetOf(request: IncomingMessage): RequestTarget | HttpRefusal {
    const direct = readTarget(request, this.#httpServer);
    return this.targets.resolve(direct, request.rawHeaders, request.socket);
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#taken.add(socket);
    const latest = RequestQueue.of(socket).latest;
    if (latest !== undefined) {
      // A client that sends its handshake before it is answered would take that answer for ours.
      socket.once("end", () => socket.destroy()).resume();
      whenAnswered(latest, socket, () => this.#refuse(request, socket, PIPELINED));
    } else if (this.#shutdownRefusal !== undefined)
      this.#refuse(request, socket, this.#shutdownRefusal);
    else this.#upgrades.handle(request, socket, head);
  }

  #refuse(request: IncomingMessage, socket: Duplex, refusal: HttpRefusal): void {
    this.#report("handshake", refusal, request);
    sendRefusal(socket, refusal);
  }

  #report(what: "handshake" | "request", refusal: HttpRefusal, request: IncomingMessage): void {
    const { rawHeaders, socket } = request;
    const target = this.#targetOf(request);
    this.#refused.report(what, refusal, { rawHeaders, socket, target });
  }

  #ignoreUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const latest = RequestQueue.of(socket).latest;
    const goOn = (): void => ignoreUpgrade(this.#httpServer, request, socket, head);
    if (latest === undefined) goOn();
    else whenAnswered(latest, socket, goOn);
  }
}

/** Calls back once `latest`, and with it all before it, has been answered on `socket`. */
function whenAnswered(latest: ServerResponse, socket: Duplex, callback: () => void): void {
  forwardDrain(socket, latest);
  latest.once("close", () => {
    if (!socket.destroyed) callback();
  });
}

function ignoreErrors(socket: Duplex): void {
  // One whose upgrade has been ignored comes here again with its next.
  if (!socket.listeners("error").includes(ignoreError)) socket.on("error", ignoreError);
}

function ignoreError(): void {}
