import { Http2ServerRequest, Http2ServerResponse, type ServerHttp2Stream } from "node:http2";
import type { Server as HttpsServer } from "node:https";
import type { TLSSocket } from "node:tls";
import {
  HeaderFields,
  type HttpRefusal,
  readExtendedConnect,
  refuse,
  type UpgradeOffer,
} from "../../protocol/handshake/index.ts";
import { isKey } from "../../protocol/handshake/accept-key.ts";
import type { Application } from "../../server/application.ts";
import { CONNECT_UNKNOWN } from "../../server/requests/request-gate.ts";
import { wheel } from "../environment/timers.ts";
import { ProxiedTargets } from "../requests/proxied-targets.ts";
import { RefusedRequests } from "../requests/refused-requests.ts";
import type { RequestEnvironment } from "../requests/request-environment.ts";
import { RequestListener } from "../requests/request-listener.ts";
import type { RequestTarget } from "../requests/request-target.ts";
import { stallTimeoutMs } from "../requests/stall-timeout.ts";
import { UpgradeListener } from "../requests/upgrade-listener.ts";
import { cancelStream } from "./close-stream.ts";
import { cancelIfStalled } from "./stalled-streams.ts";
import { Http2Connection } from "./http2-connection.ts";
import { readHttp2Target } from "./http2-target.ts";
import { Http2UpgradeResponder } from "./http2-upgrade-responder.ts";
import { http2 } from "./http2-version.ts";
import { type IncomingStream, refuseStream } from "./incoming-stream.ts";

/** The name of HTTP/2 over TLS in ALPN (RFC 9113 3.1). */
export const HTTP2_ALPN_ID = "h2";

const NOTHING = new Uint8Array(0);
const EXPECTATION_FAILED = refuse(417, "The value of the Expect header is not supported.");

/** An application that answers the HTTP/2 connections of a TLS server. */
export class Http2Listener {
  readonly #application: Application;
  readonly #httpServer: HttpsServer;
  readonly #environment: RequestEnvironment;
  readonly #targets: ProxiedTargets;
  readonly #refused: RefusedRequests;
  readonly #requests: RequestListener<Http2ServerRequest, Http2ServerResponse>;
  readonly #upgrades: UpgradeListener;
  readonly #connections = new Map<TLSSocket, Http2Connection>();
  /** The answer to new requests during a shutdown. */
  #shutdownRefusal: HttpRefusal | undefined;

  /** `httpServer` continues to answer the connections that have not agreed on HTTP/2. */
  constructor(application: Application, httpServer: HttpsServer, environment: RequestEnvironment) {
    this.#application = application;
    this.#httpServer = httpServer;
    this.#environment = environment;
    this.#targets = new ProxiedTargets(application.readProxies, httpServer);
    this.#refused = new RefusedRequests(application.refusals, this.#targets);
    this.#requests = new RequestListener(application, http2, this.#refused, environment.fetch);
    this.#upgrades = new UpgradeListener(application, environment, this.#refused);
    const others = httpServer.listeners("secureConnection");
    httpServer.removeAllListeners("secureConnection");
    httpServer.on("secureConnection", (socket) => {
      if (socket.alpnProtocol === HTTP2_ALPN_ID) this.#serve(socket);
      else for (const listener of others) listener.call(httpServer, socket);
    });
  }

  /** Whether `socket` is an HTTP/2 connection of this listener. */
  has(socket: unknown): boolean {
    return this.#connections.has(socket as TLSSocket);
  }

  /** Refuses new requests. Each connection ends after its last request and WebSocket. */
  stop(refusal: HttpRefusal): void {
    this.#shutdownRefusal = refusal;
    this.#requests.stop(refusal);
    this.#upgrades.refusePending(refusal);
    for (const connection of this.#connections.values()) connection.close();
  }

  /** Drops the remaining connections. */
  drop(): void {
    for (const connection of this.#connections.values()) connection.destroy();
  }

  #serve(socket: TLSSocket): void {
    if (socket.destroyed) return;
    if (this.#shutdownRefusal !== undefined) {
      socket.destroy();
      return;
    }
    const { handshakeTimeoutMs } = this.#application;
    this.#connections.set(socket, new Http2Connection(socket, handshakeTimeoutMs, this.#receive));
    socket.once("close", () => this.#connections.delete(socket));
  }

  readonly #receive = (incoming: IncomingStream): void => {
    if (incoming.headers[":method"] !== "CONNECT") this.#request(incoming);
    else if (this.#shutdownRefusal !== undefined) {
      this.#refuse("handshake", this.#shutdownRefusal, incoming);
    } else if (incoming.headers[":protocol"] === undefined) {
      // RFC 9113 8.5: a CONNECT without :protocol asks for a proxy.
      this.#refuse("request", CONNECT_UNKNOWN, incoming);
    } else this.#upgrade(incoming);
  };

  #refuse(what: "handshake" | "request", refusal: HttpRefusal, incoming: IncomingStream): void {
    const { rawHeaders, socket } = incoming;
    const target = this.#targetOf(incoming);
    this.#refused.report(what, refusal, { rawHeaders, socket, target });
    refuseStream(incoming, refusal);
  }

  #upgrade(incoming: IncomingStream): void {
    const { rawHeaders, socket: peer } = incoming;
    const request = { rawHeaders, peer, offer: readOffer(rawHeaders) };
    const { fetch } = this.#environment;
    const responder = new Http2UpgradeResponder(incoming, this.#httpServer, fetch);
    this.#upgrades.handle(request, this.#targetOf(incoming), responder, NOTHING);
  }

  #request(incoming: IncomingStream): void {
    const { stream, headers, rawHeaders } = incoming;
    const { expect } = headers;
    cancelIfStalled(stream, stallTimeoutMs(this.#httpServer));
    if (expect !== undefined && expect !== "100-continue") {
      this.#refuse("request", EXPECTATION_FAILED, incoming);
      return;
    }
    const request = new Http2ServerRequest(stream, headers, {}, rawHeaders);
    const response = new Http2ServerResponse(stream);
    request.on("error", ignoreError);
    if (!stream.endAfterHeaders) this.#limitTime(request, stream);
    if (expect !== undefined) response.writeContinue();
    this.#requests.handle(request, response, this.#targetOf(incoming));
  }

  #targetOf({ rawHeaders, socket }: IncomingStream): RequestTarget | HttpRefusal {
    return this.#targets.resolve(readHttp2Target(rawHeaders), rawHeaders, socket);
  }

  /** Limits the time for a request's body, as the HTTP/1.1 server does. */
  #limitTime(request: Http2ServerRequest, stream: ServerHttp2Stream): void {
    const { requestTimeout } = this.#httpServer;
    if (requestTimeout === 0) return;
    const timer = wheel.start(requestTimeout, () => {
      // The body may have arrived without being read.
      if (stream.state.remoteClose !== 1) cancelStream(stream);
    });
    request.once("end", () => timer.cancel());
    stream.once("close", () => timer.cancel());
  }
}

/**
 * RFC 8441 5 does not use the key. But undici, and so the built-in WebSocket of Node.js, sends a key and
 * requires `Sec-WebSocket-Accept` in the response.
 */
function readOffer(rawHeaders: readonly string[]): UpgradeOffer | HttpRefusal {
  const offer = readExtendedConnect({ rawHeaders });
  if (offer.kind === "refuse") return offer;
  const key = new HeaderFields(rawHeaders).single("sec-websocket-key") ?? "";
  return { ...offer, key: isKey(key) ? key : "" };
}

function ignoreError(): void {}
