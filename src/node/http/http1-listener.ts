import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { Socket as NetSocket } from "node:net";
import type { Duplex } from "node:stream";
import { type HttpRefusal, readUpgradeRequest, refuse } from "../../protocol/handshake/index.ts";
import type { Application } from "../../server/application.ts";
import { CONNECT_UNKNOWN } from "../../server/requests/request-gate.ts";
import type { ShutdownPlan } from "../../server/socket/shutdown.ts";
import { describeClose } from "../../errors/debug-log.ts";
import type { SocketGroup } from "../../server/socket/socket-group.ts";
import type { Peer } from "../../server/requests/upgrade-attempt.ts";
import { RefusedRequests, shutdownRefusal } from "../requests/refused-requests.ts";
import { readTarget, type RequestTarget } from "../requests/request-target.ts";
import { ProxiedTargets } from "../requests/proxied-targets.ts";
import { RequestListener } from "../requests/request-listener.ts";
import type { UpgradeRequest } from "../requests/upgrade-attempt.ts";
import { UpgradeListener } from "../requests/upgrade-listener.ts";
import type { UpgradeResponder } from "../requests/upgrade-responder.ts";
import { forwardDrain, Http1UpgradeResponder } from "./http1-upgrade-responder.ts";
import { http1 } from "./http1-version.ts";
import {
  asksForWebSocket,
  canBeReadAgain,
  ignoreUpgrade,
  ignoreUpgrades,
} from "./ignore-upgrade.ts";
import { InFlight } from "./in-flight.ts";
import { dropInput, lingeringClose, sendRefusal } from "./lingering-close.ts";
import type { RequestLimiter } from "./request-limiter.ts";
import { MAX_UNANSWERED, RequestQueue } from "./request-queue.ts";
import type { RequestEnvironment } from "../requests/request-environment.ts";
import { DeadlineTask } from "../requests/deadline-task.ts";

const PIPELINED = refuse(
  400,
  "The opening handshake was sent before the response to an earlier request.",
);

const UPGRADE_WITH_BODY = refuse(400, "A request with a body must not have the header Upgrade.");

/** Used only if the requests of a connection could not be limited before they were parsed. */
const TOO_MANY_REQUESTS = refuse(
  503,
  `The client has sent more than ${MAX_UNANSWERED} requests on this connection without waiting for a response.`,
  { headers: { Connection: "close" } },
);

/** An application that answers requests and upgrades of a `node:http` server. */
export class Http1Listener {
  readonly #targets: ProxiedTargets;
  readonly #refused: RefusedRequests;
  readonly #application: Application;
  readonly #httpServer: Server;
  readonly #environment: RequestEnvironment;
  /** The unfinished responses of this application. */
  readonly #inFlight = new InFlight(({ req: { socket } }) => {
    if (this.isStopping && RequestQueue.of(socket).length === 0) lingeringClose(socket);
  });
  readonly #requests: RequestListener<IncomingMessage, ServerResponse>;
  readonly #upgrades: UpgradeListener;
  /** The sockets that are no longer used for HTTP. */
  readonly #taken = new WeakSet<Duplex>();
  /** The shutdown; undefined while the server serves. */
  #shutdown: DeadlineTask | undefined;
  /** The answer to new requests during a shutdown. */
  #shutdownRefusal: HttpRefusal | undefined;

  constructor(application: Application, httpServer: Server, environment: RequestEnvironment) {
    this.#application = application;
    this.#httpServer = httpServer;
    this.#environment = environment;
    this.#targets = new ProxiedTargets(application.readProxies, httpServer);
    this.#refused = new RefusedRequests(application.refusals, this.#targets);
    this.#requests = new RequestListener(application, http1, this.#refused, environment.fetch);
    this.#upgrades = new UpgradeListener(application, environment, this.#refused);
  }

  /**
   * Answers every request and upgrade of the server. For a server that is shared with other listeners, use
   * `SharedHttpServer` instead.
   */
  listen(limiter: RequestLimiter): void {
    limiter.limit(this.#httpServer);
    ignoreUpgrades(this.#httpServer, (request) => !asksForWebSocket(request));
    this.#httpServer.on("request", (request, response) => {
      RequestQueue.of(request.socket).add(response);
      this.handleRequest(request, response);
    });
    this.#httpServer.on("upgrade", (request, socket, head) =>
      this.handleUpgrade(request, socket, head),
    );
  }

  get sockets(): SocketGroup {
    return this.#application.sockets;
  }

  /** Whether new requests are refused because the server shuts down. */
  get isStopping(): boolean {
    return this.#shutdownRefusal !== undefined;
  }

  /** Whether `connection` is a WebSocket or has an unanswered request. */
  isBusy(connection: Duplex): boolean {
    return this.#taken.has(connection) || RequestQueue.of(connection).length > 0;
  }

  /** The `connections` that are not busy. */
  *idleAmong(connections: Iterable<Duplex>): Iterable<Duplex> {
    for (const connection of connections) if (!this.isBusy(connection)) yield connection;
  }

  /** Refuses bytes that are not an HTTP request, after the responses to earlier requests. */
  refuseGarbage(socket: Duplex, refusal: HttpRefusal): void {
    const queue = RequestQueue.of(socket);
    // The client stopped its upload when it got the response, or a second response would follow.
    if (queue.isInAnsweredBody) {
      lingeringClose(socket);
      return;
    }
    const { latest } = queue;
    // Browsers open connections in advance and may never use them. In Bun, `bytesRead` is always 0 here.
    const isUnused =
      refusal.status === 408 && socket instanceof NetSocket && socket.bytesRead === 0;
    if (!isUnused) {
      // The bytes are in the body of a request, so its head identifies the client.
      if (latest?.req.complete === false) this.#report("request", refusal, latest.req);
      else {
        const connection = { rawHeaders: [], socket: socket as Peer, target: undefined };
        this.#refused.report("request", refusal, connection);
      }
    }
    dropInput(socket);
    if (latest === undefined) sendRefusal(socket, refusal);
    else if (latest.req.complete) latest.once("close", () => sendRefusal(socket, refusal));
    else queue.onTurn(latest, () => refuseBody(latest, socket, refusal));
  }

  /** Refuses CONNECT, because this server is not a proxy (RFC 9110 9.3.6). */
  refuseConnect(request: IncomingMessage, socket: Duplex): void {
    const answer = (): void => {
      this.#report("request", CONNECT_UNKNOWN, request);
      sendRefusal(socket, CONNECT_UNKNOWN);
    };
    // Waits for the earlier responses. Otherwise, the client would take this response for the response to an
    // earlier request.
    if (this.isBusy(request.socket)) socket.once("end", () => socket.destroy()).resume();
    whenAnswered(request.socket, answer);
  }

  /** Answers a request for a WebSocket that did not come through `node:http`. */
  handleHandshake(
    request: UpgradeRequest,
    target: RequestTarget,
    responder: UpgradeResponder,
    head: Uint8Array,
  ): void {
    const resolved = this.#targets.resolve(target, request.rawHeaders, request.peer);
    this.#upgrades.handle(request, resolved, responder, head);
  }

  /**
   * Takes over a socket that is no longer used for HTTP, to answer an upgrade on it.
   *
   * @param connection the socket of the connection. If an upgrade has a body, Node.js 26 emits the upgrade with
   *   another stream.
   */
  takeSocket(socket: Duplex, connection: Duplex = socket): UpgradeResponder {
    this.#taken.add(connection);
    ignoreErrors(socket);
    return new Http1UpgradeResponder(socket, this.#httpServer, this.#inFlight, this.#environment);
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
    return this.#upgrades.isFor(readTarget(request, this.#httpServer));
  }

  handleRequest(request: IncomingMessage, response: ServerResponse): void {
    this.#inFlight.add(response);
    const isOverLimit = RequestQueue.of(request.socket).length > MAX_UNANSWERED;
    const refusal = isOverLimit ? TOO_MANY_REQUESTS : undefined;
    this.#requests.handle(request, response, this.#targetOf(request), refusal);
  }

  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    ignoreErrors(socket);
    if (asksForWebSocket(request)) this.#upgrade(request, socket, head);
    else this.#ignoreUpgrade(request, socket, head);
  }

  /**
   * Refuses new requests and closes all WebSockets. Resolves when all work has ended. Another call can only
   * shorten the deadline.
   */
  async stop(plan: ShutdownPlan): Promise<void> {
    this.#log(() => `stops: ${this.#describeStop(plan)}`);
    const shutdown = (this.#shutdown ??= this.#shutDown(plan));
    this.#application.shutdown.start(plan);
    shutdown.setDeadline(plan.timeoutMs);
    await shutdown.done;
    this.#log(() => "stopped");
  }

  /** Answers requests again, when the closed HTTP server listens again. */
  resume(): void {
    if (this.#shutdown === undefined) return;
    this.#shutdown = undefined;
    this.#shutdownRefusal = undefined;
    this.#requests.resume();
    this.#application.shutdown.reset();
  }

  #shutDown(plan: ShutdownPlan): DeadlineTask {
    const shutdown: DeadlineTask = new DeadlineTask(this.#refuseWork(plan), () => {
      // If the server listens again by then, its new connections must stay open.
      if (this.#shutdown === shutdown) this.#drop();
    });
    return shutdown;
  }

  /** Refuses new work. Resolves when the current work has ended. */
  async #refuseWork({ timeoutMs }: ShutdownPlan): Promise<void> {
    const refusal = shutdownRefusal(timeoutMs);
    this.#shutdownRefusal = refusal;
    this.#requests.stop(refusal);
    this.#upgrades.refusePending(refusal);
    await Promise.all([this.#application.sockets.whenIdle(), this.#inFlight.whenIdle()]);
  }

  #drop(): void {
    this.#log(
      () =>
        `drops ${this.sockets.size} sockets and ${[...this.#inFlight].length} requests at the deadline`,
    );
    for (const socket of this.#application.sockets) socket.terminate();
    for (const response of this.#inFlight) response.req.socket.destroy();
  }

  /** Writes a line about this server to the debug log. */
  #log(format: () => string): void {
    const { log } = this.#environment.connections;
    if (log.isEnabled) log.write(() => `server ${log.idOf("server", this)} ${format()}`);
  }

  #describeStop({ code, reason, timeoutMs, pace }: ShutdownPlan): string {
    const how =
      pace === undefined ? "at once" : `in batches of ${pace.batch} every ${pace.intervalMs} ms`;
    return `closes ${this.sockets.size} sockets with ${describeClose(code, reason)} ${how}, deadline ${timeoutMs} ms`;
  }

  #targetOf(request: IncomingMessage): RequestTarget | HttpRefusal {
    const direct = readTarget(request, this.#httpServer);
    return this.#targets.resolve(direct, request.rawHeaders, request.socket);
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const responder = this.takeSocket(socket, request.socket);
    if (RequestQueue.of(request.socket).length > 0) {
      // A client that sends its handshake before the earlier responses would take one of them for the
      // response to the handshake.
      socket.once("end", () => socket.destroy()).resume();
      whenAnswered(request.socket, () => this.#refuse("handshake", request, socket, PIPELINED));
    } else if (this.#shutdownRefusal !== undefined) {
      this.#refuse("handshake", request, socket, this.#shutdownRefusal);
    } else {
      const { method = "", httpVersionMajor, httpVersionMinor, rawHeaders } = request;
      const offer = readUpgradeRequest({ method, httpVersionMajor, httpVersionMinor, rawHeaders });
      const { socket: peer } = request;
      this.#upgrades.handle({ rawHeaders, peer, offer }, this.#targetOf(request), responder, head);
    }
  }

  #refuse(
    what: "handshake" | "request",
    request: IncomingMessage,
    socket: Duplex,
    refusal: HttpRefusal,
  ): void {
    this.#report(what, refusal, request);
    sendRefusal(socket, refusal);
  }

  #report(what: "handshake" | "request", refusal: HttpRefusal, request: IncomingMessage): void {
    const { rawHeaders, socket } = request;
    const target = this.#targetOf(request);
    this.#refused.report(what, refusal, { rawHeaders, socket, target });
  }

  #ignoreUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const ignore = (): void => {
      if (canBeReadAgain(request)) ignoreUpgrade(this.#httpServer, request, socket, head);
      else this.#refuse("request", request, socket, UPGRADE_WITH_BODY);
    };
    whenAnswered(request.socket, ignore);
  }
}

/**
 * Answers a request with a body that is malformed or late, when all earlier responses have been sent. Its
 * handler may wait for the rest of the body.
 */
function refuseBody(response: ServerResponse, socket: Duplex, refusal: HttpRefusal): void {
  if (!response.headersSent) sendRefusal(socket, refusal);
  else if (response.writableEnded) response.once("close", () => lingeringClose(socket));
  else socket.destroy();
}

/** Calls back when all responses have been sent on a connection that `node:http` no longer uses. */
function whenAnswered(connection: Duplex, callback: () => void): void {
  const queue = RequestQueue.of(connection);
  const { latest } = queue;
  if (latest === undefined) return callback();
  forwardDrain(connection, latest, () => queue.current);
  latest.once("close", () => {
    if (!connection.destroyed) callback();
  });
}

/** Adds an error listener: without one, an error of the socket would end the process. */
function ignoreErrors(socket: Duplex): void {
  // After an ignored upgrade, the socket may have another upgrade, and already has the listener.
  if (!socket.listeners("error").includes(ignoreError)) socket.on("error", ignoreError);
}

function ignoreError(): void {}
