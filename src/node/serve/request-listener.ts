import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createRequest, sendResponse } from "@remix-run/node-fetch-server";
import type { Application } from "../../server/application.ts";
import { MISDIRECTED } from "../../server/host-policy.ts";
import { answerRequest, cancelBody, serverFailed } from "../../server/http-answer.ts";
import { type RequestTarget, readTarget } from "./request-target.ts";
import type { Refusal } from "../http/http-upgrade.ts";

/** Answers HTTP requests by the routes, as a listener of a `node:http` server. */
export class RequestListener {
  readonly #application: Application;
  readonly #httpServer: Server;
  /** For requests that come while the server stops. */
  #farewell: Refusal | undefined;

  constructor(application: Application, httpServer: Server) {
    this.#application = application;
    this.#httpServer = httpServer;
  }

  /** From now on every answer closes its connection, and requests that come get `farewell`. */
  stop(farewell: Refusal): void {
    this.#farewell = { ...farewell, headers: { ...farewell.headers, ...CLOSING } };
  }

  /** Whether some HTTP route is for this request. */
  isFor(request: IncomingMessage): boolean {
    const target = readTarget(request, this.#httpServer);
    if (!("url" in target)) return false;
    return (
      this.#application.routes.findHttp(request.method ?? "", target.url.pathname) !== undefined
    );
  }

  handle(request: IncomingMessage, response: ServerResponse): void {
    // Writing to a peer that has just gone is an error that concerns nobody.
    response.on("error", () => {});
    const target = readTarget(request, this.#httpServer);
    if (this.#farewell !== undefined) refuse(response, this.#farewell);
    else if (!("url" in target)) refuse(response, { ...target, headers: CLOSING });
    else if (!this.#application.isHostAllowed(target.host, target.isSecure)) {
      refuse(response, { ...MISDIRECTED, headers: CLOSING });
    }
    // RFC 9110 9.3.8 allows to do without; Request cannot express it.
    else if (request.method === "TRACE") refuse(response, NOT_IMPLEMENTED);
    else this.#answer(request, response, target).catch(() => response.destroy());
  }

  async #answer(
    request: IncomingMessage,
    response: ServerResponse,
    target: RequestTarget,
  ): Promise<void> {
    const { routes, report } = this.#application;
    const { method = "" } = request;
    const { pathname } = target.url;
    const match = routes.findHttp(method, pathname);
    if (match === undefined) {
      const miss = routes.explainMiss(method, pathname);
      // A refused opening handshake ends its connection.
      const closing = miss.status === 426 ? { Connection: "close, Upgrade" } : {};
      refuse(response, { ...miss, headers: { ...miss.headers, ...closing } });
      return;
    }
    const fetchRequest = toRequest(request, response, target);
    const { remoteAddress = "" } = request.socket;
    const context = { url: target.url, remoteAddress };
    const answer = await answerRequest(match, fetchRequest, context, report);
    try {
      await this.#send(response, answer);
    } catch (error) {
      report(error, { route: match.entry.key, request: fetchRequest });
      if (response.headersSent) response.destroy();
      else await this.#send(response, serverFailed());
    }
    skipBody(request, fetchRequest);
  }

  async #send(response: ServerResponse, answer: Response): Promise<void> {
    if (response.destroyed || response.writableEnded) {
      cancelBody(answer);
      return;
    }
    if (answer.bodyUsed) throw new TypeError("the body of the Response has been used");
    if (this.#farewell !== undefined) response.setHeader("Connection", "close");
    await sendResponse(response, answer);
    // Nobody reads the body of an answer to HEAD, so nobody else lets go of what is behind it.
    if (response.req.method === "HEAD") cancelBody(answer);
  }
}

/** Answers in plain text, where no route does. */
function refuse(response: ServerResponse, { status, headers, message }: Refusal): void {
  const body = Buffer.from(message);
  response.writeHead(status, {
    "Content-Type": "text/plain; charset=utf-8",
    "Content-Length": body.byteLength,
    ...headers,
  });
  response.end(body);
}

const CLOSING = { Connection: "close" };
const NOT_IMPLEMENTED: Refusal = { status: 501, message: "TRACE is not implemented." };

function toRequest(
  request: IncomingMessage,
  response: ServerResponse,
  { host, path }: RequestTarget,
): Request {
  // Of a target in absolute form only the path goes behind the host.
  request.url = path;
  return createRequest(request, response, { host });
}

/** Reads past what the handler left of a request's body, so that the next request can be read. */
function skipBody(request: IncomingMessage, fetchRequest: Request): void {
  if (request.complete || fetchRequest.body?.locked === true) return;
  cancelBody(fetchRequest);
  request.resume();
}
