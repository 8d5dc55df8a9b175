import { type HttpRefusal, refuse } from "../protocol/handshake/index.ts";
import type { ProxiedTargets } from "../node/requests/proxied-targets.ts";
import type { RefusedRequests } from "../node/requests/refused-requests.ts";
import type { RequestTarget } from "../node/requests/request-target.ts";
import type { Application } from "../server/application.ts";
import { WRONG_HOST } from "../server/host-policy.ts";
import { answerRequest } from "../server/http-answer.ts";
import type { BunHttpServer, FetchResult } from "./bun-api.ts";
import {
  type BunRequest,
  isWebSocketUpgrade,
  rawHeadersOf,
  readTarget,
  toResponse,
} from "./bun-request.ts";
import type { UpgradeListener } from "./upgrade-listener.ts";

const CLOSING = { Connection: "close" };
const UNSUPPORTED_METHODS: ReadonlySet<string> = new Set(["TRACE", "TRACK", "CONNECT"]);
const TOO_MANY_REQUESTS = refuse(503, "The server is too busy.", {
  headers: { "Retry-After": "10", ...CLOSING },
  option: "maxPendingRequests",
});

/** Answers all requests of a server of Bun with the routes of an application. */
export class FetchListener {
  readonly #application: Application;
  readonly #targets: ProxiedTargets;
  readonly #refused: RefusedRequests;
  readonly #upgrades: UpgradeListener;
  readonly #isSecure: boolean;
  /** The answer to new requests during a shutdown. */
  #shutdownRefusal: HttpRefusal | undefined;

  constructor(
    application: Application,
    targets: ProxiedTargets,
    refused: RefusedRequests,
    upgrades: UpgradeListener,
    isSecure: boolean,
  ) {
    this.#application = application;
    this.#targets = targets;
    this.#refused = refused;
    this.#upgrades = upgrades;
    this.#isSecure = isSecure;
  }

  /** Answers new requests with `refusal`, and so all handshakes that `authorize` has not decided. */
  stop(refusal: HttpRefusal): void {
    this.#shutdownRefusal = { ...refusal, headers: { ...refusal.headers, ...CLOSING } };
    this.#upgrades.refusePending(this.#shutdownRefusal);
  }

  /** Answers one request. Never throws or rejects. */
  handle(request: Request, server: BunHttpServer): FetchResult | Promise<FetchResult> {
    const rawHeaders = rawHeadersOf(request);
    const peer = { remoteAddress: server.requestIP(request)?.address };
    const received = { request, server, rawHeaders, peer };
    const direct = readTarget(request, rawHeaders, this.#isSecure);
    const target = this.#targets.resolve(direct, rawHeaders, peer);
    const isUpgrade = isWebSocketUpgrade(request);
    const refuseWith = (refusal: HttpRefusal): Response =>
      this.#refuse(isUpgrade ? "handshake" : "request", received, target, refusal);
    if (this.#shutdownRefusal !== undefined) return refuseWith(this.#shutdownRefusal);
    if (!("url" in target)) return refuseWith({ ...target, headers: CLOSING });
    if (isUpgrade) return this.#upgrades.handle(received, target);
    if (!this.#application.isHostAllowed(target.host, target.isSecure)) {
      return refuseWith({ ...WRONG_HOST, headers: CLOSING });
    }
    if (UNSUPPORTED_METHODS.has(request.method)) {
      return refuseWith(refuse(501, `${request.method} is not implemented.`));
    }
    if (!this.#application.pendingRequests.hasRoom) return refuseWith(TOO_MANY_REQUESTS);
    return this.#answer(received, target);
  }

  #answer(received: BunRequest, target: RequestTarget): Response | Promise<Response> {
    const { request, peer } = received;
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
    const answer = answerRequest(match, fetchRequest, context, report);
    return answer instanceof Promise ? answer.finally(pendingRequests.start()) : answer;
  }

  #answerMiss(received: BunRequest, target: RequestTarget, miss: HttpRefusal): Response {
    // A 404 or 405 is an ordinary response and is not reported.
    return miss.status === 426
      ? this.#refuse("handshake", received, target, {
          ...miss,
          headers: { ...miss.headers, ...CLOSING },
        })
      : toResponse(miss);
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
