import { Http2ServerRequest, Http2ServerResponse, type ServerHttp2Stream } from "node:http2";
import type { Server as HttpsServer } from "node:https";
import type { TLSSocket } from "node:tls";
import { type HttpRefusal, refuse } from "../../protocol/handshake/index.ts";
import type { Application } from "../../server/application.ts";
import { ProxiedTargets } from "../requests/proxied-targets.ts";
import { RefusedRequests } from "../requests/refused-requests.ts";
import { RequestListener } from "../requests/request-listener.ts";
import type { RequestTarget } from "../requests/request-target.ts";
import type { RequestEnvironment } from "../requests/request-environment.ts";
import { stallTimeoutMs } from "../requests/stall-timeout.ts";
import { wheel } from "../environment/timers.ts";
import { cancelStream } from "./close-stream.ts";
import { ConnectListener } from "./connect-listener.ts";
import { Http2Connection } from "./http2-connection.ts";
import { readHttp2Target } from "./http2-target.ts";
import { type IncomingStream, refuseStream } from "./incoming-stream.ts";
import { cancelIfStalled } from "./stalled-streams.ts";

/** What ALPN calls HTTP/2 over TLS (RFC 9113 3.1). */
export const HTTP2_ALPN_ID = "h2";

/** An application as the listener of those connections of a TLS server that agreed on HTTP/2. */
export class Http2Listener {
  readonly #application: Application;
  readonly #httpServer: HttpsServer;
  readonly #requests: RequestListener;
  readonly #connects: ConnectListener;
  readonly #targets: ProxiedTargets;
  readonly #refused: RefusedRequests;
  readonly #connections = new Map<TLSSocket, Http2Connection>();
  /** The answer to new requests during a shutdown. */
  #shutdownRefusal: HttpRefusal | undefined;

  /** `httpServer` goes on serving the connections that did not agree on HTTP/2. */
  constructor(application: Application, httpServer: HttpsServer, environment: RequestEnvironment) {
    this.#application = application;
    this.#httpServer = httpServer;
    this.#targets = new ProxiedTargets(application.readProxies, httpServer);
    this.#refused = new RefusedRequests(application.refusals, this.#targets);
    this.#requests = new RequestListener(application, this.#refused, environment.fetch);
    this.#connects = new ConnectListener(
      application,
      httpServer,
      this.#targets,
      this.#refused,
      environment,
    );
    const others = httpServer.listeners("secureConnection");
    httpServer.removeAllListeners("secureConnection");
    httpServer.on("secureConnection", (socket) => {
      if (socket.alpnProtocol === HTTP2_ALPN_ID) this.#serve(socket);
      else for (const listener of others) listener.call(httpServer, socket);
    });
  }

  /** Whether a connection of the server is served here. */
  has(socket: unknown): boolean {
    return this.#connections.has(socket as TLSSocket);
  }

  /** Lets nothing new in. Each connection ends with the last of what is being done on it. */
  stop(refusal: HttpRefusal): void {
    this.#shutdownRefusal = refusal;
    this.#requests.stop(refusal);
    this.#connects.refuseUndecided(refusal);
    for (const connection of this.#connections.values()) connection.close();
  }

  /** Drops what is left. */
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
    else if (this.#shutdownRefusal !== undefined)
      this.#refuse("handshake", this.#shutdownRefusal, incoming);
    else this.#connects.handle(incoming);
  };

  #refuse(what: "handshake" | "request", refusal: HttpRefusal, incoming: IncomingStream): void {
    const { stream, rawHeaders, socket } = incoming;
    const target = this.#targetOf(incoming);
    this.#refused.report(what, refusal, { rawHeaders, socket, target });
    refuseStream(stream, refusal);
  }

  #request(incoming: IncomingStream): void {
    const { stream, headers, rawHeaders } = incoming;
    const { expect } = headers;
    if (expect !== undefined && expect !== "100-continue") {
      this.#refuse("request", EXPECTATION_FAILED, incoming);
      return;
    }
    const request = new Http2ServerRequest(stream, headers, {}, rawHeaders);
    const response = new Http2ServerResponse(stream);
    request.on("error", ignoreError);
    if (!stream.endAfterHeaders) this.#limitTime(request, stream);
    cancelIfStalled(stream, stallTimeoutMs(this.#httpServer));
    if (expect !== undefined) response.writeContinue();
    this.#requests.handle(request, response, this.#targetOf(incoming));
  }

  #targetOf({ rawHeaders, socket }: IncomingStream): RequestTarget | HttpRefusal {
    return this.#targets.resolve(readHttp2Target(rawHeaders), rawHeaders, socket);
  }

  /** As the HTTP/1.1 server does for its requests. */
  #limitTime(request: Http2ServerRequest, stream: ServerHttp2Stream): void {
    const { requestTimeout } = this.#httpServer;
    if (requestTimeout === 0) return;
    const timer = wheel.start(requestTimeout, () => cancelStream(stream));
    request.once("end", () => timer.cancel());
    stream.once("close", () => timer.cancel());
  }
}

const EXPECTATION_FAILED = refuse(417, "This expectation is unknown.");

function ignoreError(): void {}
