import type { HttpRefusal } from "../protocol/handshake/index.ts";
import type { ProxiedTargets } from "../node/requests/proxied-targets.ts";
import type { RefusedRequests } from "../node/requests/refused-requests.ts";
import { withoutForeignFields } from "../node/requests/relayed-response.ts";
import type { RequestTarget } from "../node/requests/request-target.ts";
import { upgradeRequired } from "../node/requests/upgrade-required.ts";
import type { Application } from "../server/application.ts";
import { answerRequest, bodyWasUsed, serverFailed } from "../server/routes/http-answer.ts";
import { RequestGate } from "../server/requests/request-gate.ts";
import type { BunHttpServer, FetchResult } from "./bun-api.ts";
import {
  asksForWebSocket,
  type BunRequest,
  rawHeadersOf,
  readTarget,
  toResponse,
} from "./bun-request.ts";
import type { UpgradeListener } from "./upgrade-listener.ts";

/** The longest time in seconds that Bun accepts. */
const LONGEST_SECONDS = 255;

/** Answers all requests of a server of Bun with the routes of an application. */
export class FetchListener {
  readonly #application: Application;
  readonly #targets: ProxiedTargets;
  readonly #refused: RefusedRequests;
  readonly #upgrades: UpgradeListener;
  readonly #isSecure: boolean;
  readonly #idleSeconds: number;
  readonly #gate: RequestGate;

  /** @param idleSeconds how long a connection may be idle before and after a request */
  constructor(
    application: Application,
    targets: ProxiedTargets,
    refused: RefusedRequests,
    upgrades: UpgradeListener,
    isSecure: boolean,
    idleSeconds: number,
  ) {
    this.#application = application;
    this.#targets = targets;
    this.#refused = refused;
    this.#upgrades = upgrades;
    this.#isSecure = isSecure;
    this.#idleSeconds = idleSeconds;
    this.#gate = new RequestGate(application);
  }

  /** Answers new requests with `refusal`, and so all handshakes that `authorize` has not decided. */
  stop(refusal: HttpRefusal): void {
    this.#gate.stop(refusal);
    this.#upgrades.stop(refusal);
  }

  /** Answers one request. Never throws or rejects. */
  handle(request: Request, server: BunHttpServer): FetchResult | Promise<FetchResult> {
    const rawHeaders = rawHeadersOf(request);
    const peer = { remoteAddress: server.requestIP(request)?.address };
    const received = { request, server, rawHeaders, peer };
    const direct = readTarget(request, rawHeaders, this.#isSecure);
    const target = this.#targets.resolve(direct, rawHeaders, peer);
    if (asksForWebSocket(request)) return this.#upgrades.handle(received, target);
    const checked = this.#gate.check(request.method, target);
    return "url" in checked
      ? this.#answer(received, checked)
      : this.#refuse("request", received, target, checked);
  }

  #answer(received: BunRequest, target: RequestTarget): Response | Promise<Response> {
    const { request, server, peer } = received;
    const { routes, report, pendingRequests } = this.#application;
    const { pathname } = target.url;
    const match = routes.findHttp(request.method, pathname);
    if (match === undefined) {
      return this.#answerMiss(received, target, routes.explainMiss(request.method, pathname));
    }
    const { href } = target.url;
    // A trusted proxy may have changed the scheme or the host.
    const fetchRequest = request.url === href ? request : new Request(href, request);
    const remoteAddress = target.forwardedAddress ?? peer.remoteAddress ?? "";
    const context = { url: target.url, remoteAddress, clientCertificate: undefined };
    const finish = (answer: Response): Response => {
      // Events may follow each other slowly.
      if (isEventStream(answer)) server.timeout(request, 0);
      if (!answer.bodyUsed) return withoutForeignFields(answer);
      report(bodyWasUsed(), { route: match.entry.key, request: fetchRequest });
      return serverFailed();
    };
    const answer = answerRequest(match, fetchRequest, context, report);
    if (!(answer instanceof Promise)) return finish(answer);
    // A handler may take any time, but a client must not stop in the middle of its request.
    server.timeout(request, request.body === null ? 0 : LONGEST_SECONDS);
    // Bun does not say when it has sent a response, so a request counts until its handler has returned.
    pendingRequests.count(answer, (listener) => {
      void answer.then(listener);
      request.signal.addEventListener("abort", listener, { once: true });
    });
    return answer.then((settled) => {
      server.timeout(request, this.#idleSeconds);
      return finish(settled);
    });
  }

  #answerMiss(received: BunRequest, target: RequestTarget, miss: HttpRefusal): Response {
    // A 404 or 405 is an ordinary response and is not reported.
    if (miss.status !== 426) return toResponse(miss);
    const hasKey = received.request.headers.has("sec-websocket-key");
    return this.#refuse("handshake", received, target, upgradeRequired(miss, hasKey));
  }

  #refuse(
    what: "handshake" | "request",
    { rawHeaders, peer }: BunRequest,
    target: RequestTarget | HttpRefusal,
    refusal: HttpRefusal,
  ): Response {
    this.#refused.report(what, refusal, { rawHeaders, socket: peer, target });
    return toResponse(refusal);
  }
}

function isEventStream({ headers }: Response): boolean {
  return headers.get("content-type")?.startsWith("text/event-stream") === true;
}
