import type { HttpRefusal } from "../../protocol/handshake/index.ts";
import type { Application } from "../../server/application.ts";
import {
  answerRequest,
  bodyWasUsed,
  cancelBody,
  serverFailed,
} from "../../server/routes/http-answer.ts";
import { RequestGate } from "../../server/requests/request-gate.ts";
import { readClientCertificate } from "./client-certificate.ts";
import type { FetchAccelerator } from "./fetch-accelerator.ts";
import type { HttpVersion, NodeRequest, NodeResponse } from "./http-version.ts";
import type { RefusedRequests } from "./refused-requests.ts";
import { withoutForeignFields } from "./relayed-response.ts";
import type { RequestTarget } from "./request-target.ts";
import { isUsed, sendIfWhole, sendResponse } from "./send-response.ts";

/** A request that a route answers. */
interface RouteWork<Req, Res> {
  readonly request: Req;
  readonly response: Res;
  readonly fetchRequest: Request;
  /** The key of the route. */
  readonly route: string;
}

/** Answers the HTTP requests of one HTTP version with the routes of an application. */
export class RequestListener<Req extends NodeRequest, Res extends NodeResponse> {
  readonly #application: Application;
  readonly #version: HttpVersion<Req, Res>;
  readonly #refused: RefusedRequests;
  readonly #fetch: FetchAccelerator;
  readonly #gate: RequestGate;

  constructor(
    application: Application,
    version: HttpVersion<Req, Res>,
    refused: RefusedRequests,
    fetch: FetchAccelerator,
  ) {
    this.#application = application;
    this.#version = version;
    this.#refused = refused;
    this.#fetch = fetch;
    this.#gate = new RequestGate(application);
  }

  /** Answers new requests with `refusal`. From now on, every response closes its connection. */
  stop(refusal: HttpRefusal): void {
    this.#gate.stop(refusal);
  }

  /** Answers requests again, after a stop. */
  resume(): void {
    this.#gate.resume();
  }

  /** Whether a route matches the path of `target`, by any method. */
  knowsPath(method = "", target: RequestTarget | HttpRefusal): boolean {
    return (
      "url" in target &&
      this.#application.routes.explainMiss(method, target.url.pathname).status !== 404
    );
  }

  /** Whether an HTTP route matches. */
  isFor(method = "", target: RequestTarget | HttpRefusal): boolean {
    return (
      "url" in target &&
      this.#application.routes.findHttp(method, target.url.pathname) !== undefined
    );
  }

  /** @param refusal refuses the request for any target */
  handle(
    request: Req,
    response: Res,
    target: RequestTarget | HttpRefusal,
    refusal?: HttpRefusal,
  ): void {
    // Writing fails if the client has just disconnected. That is not an error of the application.
    response.on("error", ignoreError);
    const checked = refusal ?? this.#gate.check(request.method ?? "", target);
    if (!("url" in checked)) this.#refuse("request", request, response, target, checked);
    else {
      const work = this.#answer(request, response, checked);
      this.#application.pendingRequests.count(work, (listener) =>
        this.#version.onClose(response, listener),
      );
    }
  }

  #refuse(
    what: "handshake" | "request",
    request: Req,
    response: Res,
    target: RequestTarget | HttpRefusal,
    refusal: HttpRefusal,
  ): void {
    const { rawHeaders, socket } = request;
    this.#refused.report(what, refusal, { rawHeaders, socket, target });
    this.#version.refuse(response, refusal);
  }

  /**
   * Answers with a route. Returns a promise, which never rejects, or undefined if it has finished already.
   */
  #answer(request: Req, response: Res, target: RequestTarget): Promise<void> | undefined {
    const { routes, report } = this.#application;
    const { method = "" } = request;
    const { pathname } = target.url;
    const match = routes.findHttp(method, pathname);
    if (match === undefined) {
      this.#refuseMiss(request, response, target, routes.explainMiss(method, pathname));
      return undefined;
    }
    const fetchRequest = this.#version.toRequest(request, response, target, this.#fetch);
    const remoteAddress = target.forwardedAddress ?? request.socket.remoteAddress ?? "";
    const clientCertificate = readClientCertificate(request.socket);
    const context = { url: target.url, remoteAddress, clientCertificate };
    const work = { request, response, fetchRequest, route: match.entry.key };
    const answer = answerRequest(match, fetchRequest, context, report);
    return answer instanceof Promise
      ? answer.then((settled) => this.#deliver(work, settled))
      : this.#deliver(work, answer);
  }

  #refuseMiss(request: Req, response: Res, target: RequestTarget, miss: HttpRefusal): void {
    // A 404 or 405 is an ordinary response and is not reported.
    if (miss.status !== 426) this.#version.refuse(response, miss);
    else {
      const refusal = this.#version.requireUpgrade(request, miss);
      this.#refuse("handshake", request, response, target, refusal);
    }
  }

  #deliver(work: RouteWork<Req, Res>, answer: Response): Promise<void> | undefined {
    if (!this.#sendNow(work.response, answer)) {
      return this.#sendLater(work, answer).catch(() => this.#version.fail(work.response));
    }
    this.#skipBody(work);
    return undefined;
  }

  /**
   * Sends `answer` if its body is in memory; `node:http` queues it until earlier responses have been sent.
   * Otherwise, returns false. It also returns false if sending fails; then `#sendLater` fails in the same
   * way, and reports the error.
   */
  #sendNow(response: Res, answer: Response): boolean {
    if (this.#version.isGone(response) || response.writableEnded) return false;
    try {
      return sendIfWhole(this.#version, response, this.#adapt(response, answer), this.#fetch);
    } catch {
      return false;
    }
  }

  async #sendLater(work: RouteWork<Req, Res>, answer: Response): Promise<void> {
    const { response, route, fetchRequest: request } = work;
    try {
      await this.#send(response, answer);
    } catch (error) {
      this.#application.report(error, { route, request });
      if (response.headersSent) this.#version.fail(response);
      else await this.#send(response, serverFailed());
    }
    this.#skipBody(work);
  }

  async #send(response: Res, answer: Response): Promise<void> {
    // Waits, so that a body, such as a file, is opened only after all earlier responses have been sent.
    await this.#version.whenTurn(response);
    if (this.#version.isGone(response) || response.writableEnded) {
      cancelBody(answer);
      return;
    }
    if (isUsed(answer)) throw bodyWasUsed();
    await sendResponse(this.#version, response, this.#adapt(response, answer), this.#fetch);
  }

  #adapt(response: Res, answer: Response): Response {
    return this.#version.adapt(response, withoutForeignFields(answer), this.#gate.isStopping);
  }

  /** Discards the part of the request's body that the handler did not read. */
  #skipBody({ request, response, fetchRequest }: RouteWork<Req, Res>): void {
    if (request.complete || !mayHaveBody(request) || fetchRequest.body?.locked === true) return;
    cancelBody(fetchRequest);
    this.#version.skipBody(request, response);
  }
}

function mayHaveBody({ httpVersionMajor, headers }: NodeRequest): boolean {
  // RFC 9112 6.3: without these, a request of HTTP/1.1 has no body.
  return httpVersionMajor > 1 || "content-length" in headers || "transfer-encoding" in headers;
}

function ignoreError(): void {}
