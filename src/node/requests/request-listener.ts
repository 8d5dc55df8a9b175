import type { Http2ServerResponse } from "node:http2";
import { type HttpRefusal, refuse } from "../../protocol/handshake/index.ts";
import type { Application } from "../../server/application.ts";
import { WRONG_HOST } from "../../server/host-policy.ts";
import { answerRequest, cancelBody, serverFailed } from "../../server/http-answer.ts";
import { RequestQueue } from "../http/request-queue.ts";
import { endStream, failStream } from "../http2/close-stream.ts";
import { wheel } from "../environment/timers.ts";
import type { FetchAccelerator } from "./fetch-accelerator.ts";
import { isConnectionField, withoutConnectionFields } from "./connection-fields.ts";
import { readClientCertificate } from "./client-certificate.ts";
import type { RefusedRequests } from "./refused-requests.ts";
import type { RequestTarget } from "./request-target.ts";
import { isUsed, type NodeResponse, sendIfWhole, sendResponse } from "./send-response.ts";
import { type NodeRequest, toRequest } from "./to-request.ts";

/** A request with its target and its response. */
interface Exchange {
  readonly request: NodeRequest;
  readonly response: NodeResponse;
  readonly target: RequestTarget | HttpRefusal;
}

/** A request that a route answers. */
interface RouteWork {
  readonly request: NodeRequest;
  readonly response: NodeResponse;
  readonly fetchRequest: Request;
  /** The key of the route. */
  readonly route: string;
}

/** Answers HTTP requests by the routes, whichever version of HTTP they came by. */
export class RequestListener {
  readonly #application: Application;
  readonly #refused: RefusedRequests;
  readonly #fetch: FetchAccelerator;
  /** The answer to new requests during a shutdown. */
  #shutdownRefusal: HttpRefusal | undefined;

  constructor(application: Application, refused: RefusedRequests, fetch: FetchAccelerator) {
    this.#application = application;
    this.#refused = refused;
    this.#fetch = fetch;
  }

  /** Answers new requests with `refusal`. Every response from now on closes its connection. */
  stop(refusal: HttpRefusal): void {
    this.#shutdownRefusal = { ...refusal, headers: { ...refusal.headers, ...CLOSING } };
  }

  /** Answers requests again, after a stop. */
  resume(): void {
    this.#shutdownRefusal = undefined;
  }

  /** Whether a route matches the path of `target`, by any method. */
  knowsPath(method = "", target: RequestTarget | HttpRefusal): boolean {
    return (
      "url" in target &&
      this.#application.routes.explainMiss(method, target.url.pathname).status !== 404
    );
  }

  /** Whether some HTTP route is for a request for `target`. */
  isFor(method = "", target: RequestTarget | HttpRefusal): boolean {
    return (
      "url" in target &&
      this.#application.routes.findHttp(method, target.url.pathname) !== undefined
    );
  }

  handle(request: NodeRequest, response: NodeResponse, target: RequestTarget | HttpRefusal): void {
    // Writing to a peer that has just gone is an error that concerns nobody.
    response.on("error", ignoreError);
    const refuseWith = (refusal: HttpRefusal): void => {
      this.#refuse("request", { request, response, target }, refusal);
    };
    if (this.#shutdownRefusal !== undefined) refuseWith(this.#shutdownRefusal);
    else if (!("url" in target)) refuseWith({ ...target, headers: CLOSING });
    else if (!this.#application.isHostAllowed(target.host, target.isSecure)) {
      refuseWith({ ...WRONG_HOST, headers: CLOSING });
    } else if (UNSUPPORTED_METHODS.has(request.method ?? "")) {
      refuseWith(refuse(501, `${request.method} is not implemented.`));
    } else if (!this.#application.pendingRequests.hasRoom) refuseWith(TOO_MANY_REQUESTS);
    else {
      this.#count(response, this.#answer(request, response, target));
    }
  }

  /**
   * Counts a request until its response has closed and `work` has settled, at most
   * `handshakeTimeoutMs` after the response has closed.
   */
  #count(response: NodeResponse, work: Promise<void> | undefined): void {
    const { pendingRequests, handshakeTimeoutMs } = this.#application;
    const end = pendingRequests.start();
    const emitter = isHttp2(response) ? response.stream : response;
    if (work === undefined) {
      emitter.once("close", end);
      return;
    }
    let isWorking = true;
    void work.then(() => (isWorking = false));
    emitter.once("close", () => {
      if (!isWorking) return end();
      // A handler that never returns must not keep a place after its client has left.
      const timer = wheel.start(handshakeTimeoutMs, end);
      void work.then(() => {
        timer.cancel();
        end();
      });
    });
  }

  /** Refuses a request for any target. */
  refuse(
    request: NodeRequest,
    response: NodeResponse,
    target: RequestTarget | HttpRefusal,
    refusal: HttpRefusal,
  ): void {
    response.on("error", ignoreError);
    this.#refuse("request", { request, response, target }, refusal);
  }

  #refuse(
    what: "handshake" | "request",
    { request, response, target }: Exchange,
    refusal: HttpRefusal,
  ): void {
    const { rawHeaders, socket } = request;
    this.#refused.report(what, refusal, { rawHeaders, socket, target });
    sendRefusal(response, refusal);
  }

  /** Refuses a plain request for a WebSocket route (426). */
  #requireUpgrade(exchange: Exchange, miss: HttpRefusal): void {
    const refusal = isHttp2(exchange.response)
      ? CONNECT_REQUIRED
      : // A refused opening handshake ends its connection.
        {
          ...miss,
          headers: { ...miss.headers, Connection: "close, Upgrade" },
          ...(exchange.request.headers["sec-websocket-key"] !== undefined && {
            message: UPGRADE_LOST,
          }),
        };
    this.#refuse("handshake", exchange, refusal);
  }

  /** Answers by a route. Returns a promise, which never rejects, unless it has finished. */
  #answer(
    request: NodeRequest,
    response: NodeResponse,
    target: RequestTarget,
  ): Promise<void> | undefined {
    const { routes, report } = this.#application;
    const { method = "" } = request;
    const { pathname } = target.url;
    const match = routes.findHttp(method, pathname);
    if (match === undefined) {
      const miss = routes.explainMiss(method, pathname);
      // A 404 or 405 is an ordinary response and is not reported.
      if (miss.status === 426) this.#requireUpgrade({ request, response, target }, miss);
      else sendRefusal(response, miss);
      return undefined;
    }
    const fetchRequest = toRequest(request, response, target, this.#fetch);
    const remoteAddress = target.forwardedAddress ?? request.socket.remoteAddress ?? "";
    const clientCertificate = readClientCertificate(request.socket);
    const context = { url: target.url, remoteAddress, clientCertificate };
    const work = { request, response, fetchRequest, route: match.entry.key };
    const answer = answerRequest(match, fetchRequest, context, report);
    return answer instanceof Promise
      ? answer.then((settled) => this.#deliver(work, settled))
      : this.#deliver(work, answer);
  }

  #deliver(work: RouteWork, answer: Response): Promise<void> | undefined {
    if (!this.#sendNow(work.response, answer)) {
      return this.#sendLater(work, answer).catch(() => drop(work.response));
    }
    skipBody(work);
    return undefined;
  }

  /**
   * Sends `answer` if its body is in memory: `node:http` queues it until its turn. Returns false if it
   * cannot, or if that fails: `#sendLater` fails in the same way, and reports it.
   */
  #sendNow(response: NodeResponse, answer: Response): boolean {
    if (isGone(response) || response.writableEnded) return false;
    try {
      return sendIfWhole(response, this.#adapt(response, answer), this.#fetch);
    } catch {
      return false;
    }
  }

  async #sendLater(work: RouteWork, answer: Response): Promise<void> {
    const { response, route, fetchRequest: request } = work;
    try {
      await this.#send(response, answer);
    } catch (error) {
      this.#application.report(error, { route, request });
      if (response.headersSent) drop(response);
      else await this.#send(response, serverFailed());
    }
    skipBody(work);
  }

  async #send(response: NodeResponse, answer: Response): Promise<void> {
    // A body, such as a file, is opened only after all earlier responses have been sent.
    if (!isHttp2(response)) await RequestQueue.of(response.req.socket).whenTurn(response);
    if (isGone(response) || response.writableEnded) {
      cancelBody(answer);
      return;
    }
    if (isUsed(answer)) throw new TypeError("the body of the Response has been used");
    await sendResponse(response, this.#adapt(response, answer), this.#fetch);
  }

  /** Adds and removes the header fields that concern the connection. */
  #adapt(response: NodeResponse, answer: Response): Response {
    if (isHttp2(response)) return withoutConnectionFields(answer);
    if (this.#shutdownRefusal !== undefined) response.setHeader("Connection", "close");
    return answer;
  }
}

function isHttp2(response: NodeResponse): response is Http2ServerResponse {
  return "stream" in response;
}

function isGone(response: NodeResponse): boolean {
  return isHttp2(response) ? response.stream.destroyed : response.destroyed;
}

function drop(response: NodeResponse): void {
  if (isHttp2(response)) failStream(response.stream);
  else response.destroy();
}

/** Proxies forward the key, but forward hop-by-hop fields only if they are configured to. */
const UPGRADE_LOST =
  "This resource speaks WebSocket. The request has Sec-WebSocket-Key but not Upgrade: websocket and " +
  "Connection: Upgrade; if a proxy removed them, configure it to forward them.";

/** Answers in plain text, where no route does. */
function sendRefusal(response: NodeResponse, { status, headers, message }: HttpRefusal): void {
  const body = Buffer.from(message);
  response.statusCode = status;
  response.setHeader("Content-Type", "text/plain; charset=utf-8");
  response.setHeader("Content-Length", body.byteLength);
  for (const [name, value] of Object.entries(headers)) {
    if (!isHttp2(response) || !isConnectionField(name)) response.setHeader(name, value);
  }
  response.end(body);
  // The rest of the client's request is not needed.
  if (isHttp2(response) && !response.stream.endAfterHeaders) endStream(response.stream, true);
}

/** RFC 9110 9.3.8 allows to do without TRACE; Request can express none of these. */
const UNSUPPORTED_METHODS: ReadonlySet<string> = new Set(["TRACE", "TRACK"]);
const CLOSING = { Connection: "close" };
const TOO_MANY_REQUESTS = refuse(503, "The server is too busy.", {
  headers: { "Retry-After": "10", ...CLOSING },
  option: "maxPendingRequests",
});

/** What 426 is to HTTP/1.1; in HTTP/2 nothing is upgraded (RFC 9113 8.6). */
const CONNECT_REQUIRED = refuse(
  405,
  "This resource speaks WebSocket: over HTTP/2 that takes an extended CONNECT.",
  { headers: { Allow: "CONNECT" } },
);

/** Does without what the handler left of a request's body, so that its end is not waited for. */
function skipBody({ request, response, fetchRequest }: RouteWork): void {
  if (request.complete || !mayHaveBody(request) || fetchRequest.body?.locked === true) return;
  cancelBody(fetchRequest);
  // RFC 9113 8.1: once the answer has been sent, the client is asked for no more of the request.
  if (isHttp2(response)) {
    if (!response.stream.endAfterHeaders) endStream(response.stream);
    return;
  }
  // The next request comes behind this one.
  request.resume();
}

function mayHaveBody({ httpVersionMajor, headers }: NodeRequest): boolean {
  // RFC 9112 6.3: without these, a request of HTTP/1.1 has no body.
  return httpVersionMajor > 1 || "content-length" in headers || "transfer-encoding" in headers;
}

function ignoreError(): void {}
