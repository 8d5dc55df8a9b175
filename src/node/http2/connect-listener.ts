import { Http2ServerRequest, Http2ServerResponse, type OutgoingHttpHeaders } from "node:http2";
import type { Server as HttpServer } from "node:http";
import type { ServerHttp2Stream } from "node:http2";
import { ByteConnection } from "../../connection/byte-connection.ts";
import type { ConnectionEnvironment } from "../../connection/byte-connection-options.ts";
import { type HttpRefusal, refuse } from "../../protocol/handshake/index.ts";
import type { Application } from "../../server/application.ts";
import type { UpgradeAccepted, UpgradeAnswered, UpgradeDecision } from "../../server/upgrade.ts";
import { withoutConnectionFields } from "../requests/connection-fields.ts";
import type { ProxiedTargets } from "../requests/proxied-targets.ts";
import type { RefusedRequests } from "../requests/refused-requests.ts";
import type { RequestTarget } from "../requests/request-target.ts";
import { sendResponse } from "../requests/send-response.ts";
import type { RequestEnvironment } from "../requests/request-environment.ts";
import { stallTimeoutMs } from "../requests/stall-timeout.ts";
import { PendingUpgrades } from "../requests/pending-upgrades.ts";
import { cancelStream, endStream, failStream } from "./close-stream.ts";
import { ConnectAttempt } from "./connect-attempt.ts";
import { readHttp2Target } from "./http2-target.ts";
import { type IncomingStream, isGone, refuseStream } from "./incoming-stream.ts";
import { cancelIfStalled } from "./stalled-streams.ts";
import { StreamTransport } from "./stream-transport.ts";

const NOTHING = new Uint8Array(0);
const CONNECT_UNKNOWN = refuse(501, "CONNECT is not implemented.");

/** Answers the requests of HTTP/2 for a tunnel: for a WebSocket, that is (RFC 8441). */
export class ConnectListener {
  readonly #application: Application;
  readonly #httpServer: HttpServer;
  readonly #targets: ProxiedTargets;
  readonly #refused: RefusedRequests;
  readonly #environment: RequestEnvironment;
  readonly #undecided: PendingUpgrades;

  constructor(
    application: Application,
    httpServer: HttpServer,
    targets: ProxiedTargets,
    refused: RefusedRequests,
    environment: RequestEnvironment,
  ) {
    this.#application = application;
    this.#undecided = new PendingUpgrades(application.unfinishedBudget);
    this.#httpServer = httpServer;
    this.#targets = targets;
    this.#refused = refused;
    this.#environment = environment;
  }

  handle(incoming: IncomingStream): void {
    const { stream, headers, rawHeaders, socket } = incoming;
    // A CONNECT without :protocol has no :path (RFC 9113 8.5), so it is for nothing that there is.
    const target = this.#targets.resolve(readHttp2Target(rawHeaders), rawHeaders, socket);
    if (headers[":protocol"] === undefined) {
      this.#refuse("request", CONNECT_UNKNOWN, incoming, target);
      return;
    }
    if (!("url" in target)) {
      this.#refuse("handshake", target, incoming, target);
      return;
    }
    const attempt = new ConnectAttempt(rawHeaders, socket, target);
    const decision = this.#application.gate.decide(attempt);
    if (!(decision instanceof Promise)) {
      this.#carryOut(decision, attempt, incoming, NOTHING);
      return;
    }
    this.#undecided.wait(stream, NOTHING, attempt, decision, {
      carryOut: (decided, early) => this.#carryOut(decided, attempt, incoming, early),
      refuse: (refusal) => {
        this.#refused.reportUndecided(refusal, attempt);
        refuseStream(stream, refusal);
      },
      drop: () => cancelStream(stream),
    });
  }

  #refuse(
    what: "handshake" | "request",
    refusal: HttpRefusal,
    { stream, rawHeaders, socket }: IncomingStream,
    target: RequestTarget | HttpRefusal,
  ): void {
    this.#refused.report(what, refusal, { rawHeaders, socket, target });
    refuseStream(stream, refusal);
  }

  /** Refuses all those that are still being decided on. */
  refuseUndecided(refusal: HttpRefusal): void {
    this.#undecided.refuseAll(refusal);
  }

  #carryOut(
    decision: UpgradeDecision,
    attempt: ConnectAttempt,
    incoming: IncomingStream,
    head: Uint8Array,
  ): void {
    if (isGone(incoming.stream)) return;
    if (decision.kind === "accept") {
      accept(this.#environment.connections, decision, attempt, incoming.stream, head);
    } else if (decision.kind === "refuse") refuseStream(incoming.stream, decision);
    else this.#answer(decision, incoming);
  }

  /** Sends the response that `authorize` gave instead of leave to enter. */
  #answer({ response, onFailure }: UpgradeAnswered, incoming: IncomingStream): void {
    const { stream, headers, rawHeaders } = incoming;
    const request = new Http2ServerRequest(stream, headers, {}, rawHeaders);
    const message = new Http2ServerResponse(stream);
    request.on("error", ignoreError);
    message.on("error", ignoreError);
    cancelIfStalled(stream, stallTimeoutMs(this.#httpServer));
    endStream(stream);
    const { fetch } = this.#environment;
    const refusal = withoutConnectionFields(asRefusal(response));
    sendResponse(message, refusal, fetch).catch((error: unknown) => {
      // A peer that has gone meanwhile is nobody's failure.
      if (!stream.destroyed) onFailure(error);
      failStream(stream);
    });
  }
}

function accept(
  environment: ConnectionEnvironment,
  decision: UpgradeAccepted,
  { acceptKey }: ConnectAttempt,
  stream: ServerHttp2Stream,
  head: Uint8Array,
): void {
  const { protocol, extensions } = decision.connection;
  // Without a prototype, whose properties are no fields: the application may set one named constructor.
  const fields = Object.assign(Object.create(null) as OutgoingHttpHeaders, { ":status": 200 });
  for (const [name, value] of decision.headers ?? []) {
    // Only Set-Cookie may occur more than once.
    const earlier = fields[name] as string | string[] | undefined;
    fields[name] = earlier === undefined ? value : [earlier, value].flat();
  }
  if (acceptKey !== undefined) fields["sec-websocket-accept"] = acceptKey;
  if (protocol !== "") fields["sec-websocket-protocol"] = protocol;
  if (extensions !== "") fields["sec-websocket-extensions"] = extensions;
  stream.respond(fields);
  decision.open(
    new ByteConnection(environment, new StreamTransport(stream), {
      ...decision.connection,
      ...(head.byteLength > 0 ? { head } : {}),
    }),
  );
}

/** RFC 8441 5: over HTTP/2 every 2xx accepts, where over HTTP/1.1 all but 101 refuse. */
function asRefusal(response: Response): Response {
  if (!response.ok) return response;
  return new Response(response.body, { status: 403, headers: response.headers });
}

function ignoreError(): void {}
