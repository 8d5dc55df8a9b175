import { IncomingMessage, type Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { ByteConnectionOptions } from "../../connection/byte-connection-options.ts";
import {
  computeAcceptKey,
  type HttpRefusal,
  readUpgradeRequest,
  writeRefusal,
  writeUpgradeResponse,
} from "../../protocol/handshake/index.ts";
import type { Application } from "../../server/application.ts";
import type { UpgradeAccepted, UpgradeAnswered, UpgradeDecision } from "../../server/upgrade.ts";
import { openConnection, type TcpEnvironment } from "../tcp/open-connection.ts";
import { nodePlatform } from "../environment/protocol-environment.ts";
import type { ProxiedTargets } from "../requests/proxied-targets.ts";
import type { RefusedRequests } from "../requests/refused-requests.ts";
import { readTarget } from "../requests/request-target.ts";
import type { RequestEnvironment } from "../requests/request-environment.ts";
import { sendResponse } from "../requests/send-response.ts";
import { PendingUpgrades } from "../requests/pending-upgrades.ts";
import { HttpUpgradeAttempt } from "./http-upgrade-attempt.ts";
import type { InFlight } from "./in-flight.ts";
import { lingeringClose } from "./lingering-close.ts";
import { dropIfStalled } from "./stalled-peers.ts";

/** Answers the requests for a WebSocket that a `node:http` server has read the head of. */
export class UpgradeListener {
  readonly #application: Application;
  readonly #httpServer: Server;
  readonly #inFlight: InFlight;
  readonly #undecided: PendingUpgrades;
  readonly #targets: ProxiedTargets;
  readonly #refused: RefusedRequests;
  readonly #environment: RequestEnvironment;

  constructor(
    application: Application,
    httpServer: Server,
    targets: ProxiedTargets,
    refused: RefusedRequests,
    inFlight: InFlight,
    environment: RequestEnvironment,
  ) {
    this.#application = application;
    this.#undecided = new PendingUpgrades(application.unfinishedBudget);
    this.#httpServer = httpServer;
    this.#inFlight = inFlight;
    this.#targets = targets;
    this.#refused = refused;
    this.#environment = environment;
  }

  /** Whether some `ws:` route is for this request. */
  isFor(request: IncomingMessage): boolean {
    const target = readTarget(request, this.#httpServer);
    return "url" in target && this.#application.gate.hasRoute(target.url.pathname);
  }

  /** `head` are the bytes that came behind the request. `socket` is ours from now on. */
  handle(request: IncomingMessage, socket: Duplex, head: Uint8Array): void {
    const direct = readTarget(request, this.#httpServer);
    const target = this.#targets.resolve(direct, request.rawHeaders, request.socket);
    if (!("url" in target)) {
      const { rawHeaders } = request;
      this.#refused.report("handshake", target, { rawHeaders, socket: request.socket, target });
      sendRefusal(socket, target);
      return;
    }
    const { method = "", httpVersionMajor, httpVersionMinor, rawHeaders } = request;
    const outcome = readUpgradeRequest({ method, httpVersionMajor, httpVersionMinor, rawHeaders });
    const attempt = new HttpUpgradeAttempt(rawHeaders, outcome, request.socket, target);
    this.answer(attempt, this.#application.gate.decide(attempt), socket, head);
  }

  /** Does what has been decided, or is being decided, on `attempt`, which came on `socket`. */
  answer(
    attempt: HttpUpgradeAttempt,
    decision: UpgradeDecision | Promise<UpgradeDecision>,
    socket: Duplex,
    head: Uint8Array,
  ): void {
    if (!(decision instanceof Promise)) {
      this.#carryOut(decision, attempt, socket, head);
      return;
    }
    this.#undecided.wait(socket, head, attempt, decision, {
      carryOut: (decided, early) => this.#carryOut(decided, attempt, socket, early),
      refuse: (refusal) => {
        this.#refused.reportUndecided(refusal, attempt);
        sendRefusal(socket, refusal);
      },
      drop: () => socket.destroy(),
    });
  }

  /** Refuses all those that are still being decided on. */
  refuseUndecided(refusal: HttpRefusal): void {
    this.#undecided.refuseAll(refusal);
  }

  #carryOut(
    decision: UpgradeDecision,
    attempt: HttpUpgradeAttempt,
    socket: Duplex,
    head: Uint8Array,
  ): void {
    if (decision.kind === "accept") {
      accept(this.#environment.connections, decision, attempt, socket, head);
    } else if (decision.kind === "refuse") sendRefusal(socket, decision);
    else this.#send(decision, socket as Socket);
  }

  /** Sends the response that `authorize` gave. */
  #send({ response, onFailure }: UpgradeAnswered, socket: Socket): void {
    const message = new ServerResponse(openingRequest(socket));
    message.shouldKeepAlive = false;
    message.on("error", () => socket.destroy());
    message.assignSocket(socket);
    message.once("finish", () => {
      message.detachSocket(socket);
      // As a server does for the responses that it makes itself.
      message.emit("close");
      lingeringClose(socket);
    });
    forwardDrain(socket, message);
    this.#inFlight.add(message);
    dropIfStalled(socket, this.#httpServer);
    sendResponse(message, response, this.#environment.fetch).catch((error: unknown) => {
      // A peer that has gone meanwhile is nobody's failure.
      if (!socket.destroyed) onFailure(error);
      socket.destroy();
    });
  }
}

/** Tells `response` when it may go on, as an HTTP server does unless it has let go of the socket. */
export function forwardDrain(socket: Duplex, response: ServerResponse): void {
  const onDrain = (): void => void response.emit("drain");
  socket.on("drain", onDrain);
  response.once("close", () => socket.off("drain", onDrain));
}

/** Answers with a plain refusal and closes. */
export function sendRefusal(socket: Duplex, { status, headers, message }: HttpRefusal): void {
  const dated = { ...headers, Date: new Date().toUTCString() };
  lingeringClose(socket, writeRefusal({ status, headers: dated, message }));
}

function accept(
  environment: TcpEnvironment,
  decision: UpgradeAccepted,
  attempt: HttpUpgradeAttempt,
  socket: Duplex,
  head: Uint8Array,
): void {
  if (socket.destroyed) return;
  socket.write(acceptance(decision, attempt), "latin1");
  decision.open(openConnection(environment, socket, connectionOptions(decision, head)));
}

/** The head of the response that accepts `attempt`, one character a byte. */
export function acceptance(
  { connection, headers = [] }: UpgradeAccepted,
  { key }: HttpUpgradeAttempt,
): string {
  const { protocol, extensions } = connection;
  const acceptKey = computeAcceptKey(key, nodePlatform);
  return writeUpgradeResponse({ acceptKey, protocol, extensions, headers });
}

/** What to open the connection with. */
export function connectionOptions(
  { connection }: UpgradeAccepted,
  head: Uint8Array,
): ByteConnectionOptions {
  // An empty head is still a view of the whole chunk that the request came in.
  return head.byteLength > 0 ? { ...connection, head } : connection;
}

/** Of a valid opening handshake, what the response to it has to know. */
function openingRequest(socket: Socket): IncomingMessage {
  const request = new IncomingMessage(socket);
  request.method = "GET";
  request.httpVersionMajor = 1;
  request.httpVersionMinor = 1;
  return request;
}
