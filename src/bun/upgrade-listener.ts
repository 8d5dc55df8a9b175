import { DEFAULT_MAX_MESSAGE_BYTES } from "../protocol/endpoint.ts";
import { type HttpRefusal, readUpgradeRequest } from "../protocol/handshake/index.ts";
import type { RefusedRequests } from "../node/requests/refused-requests.ts";
import { withoutForeignFields } from "../node/requests/relayed-response.ts";
import type { RequestTarget } from "../node/requests/request-target.ts";
import { NodeUpgradeAttempt } from "../node/requests/upgrade-attempt.ts";
import type { Application } from "../server/application.ts";
import { cancelBody } from "../server/routes/http-answer.ts";
import type { UpgradeAccepted, UpgradeDecision } from "../server/requests/upgrade-attempt.ts";
import { DEFAULT_MAX_QUEUED_BYTES } from "../streams/message-queue.ts";
import type { FetchResult } from "./bun-api.ts";
import { type BunRequest, toLastResponse } from "./bun-request.ts";
import { MessageConnection, type MessageConnectionEnvironment } from "./message-connection.ts";

/** A handshake that `authorize` has not decided. */
interface PendingUpgrade {
  readonly attempt: NodeUpgradeAttempt;
  refuse(refusal: HttpRefusal): void;
}

/** Answers the requests for WebSockets. */
export class UpgradeListener {
  readonly #application: Application;
  readonly #environment: MessageConnectionEnvironment;
  readonly #refused: RefusedRequests;
  readonly #pending = new Set<PendingUpgrade>();
  /** The answer to new handshakes during a shutdown. */
  #shutdownRefusal: HttpRefusal | undefined;

  constructor(
    application: Application,
    environment: MessageConnectionEnvironment,
    refused: RefusedRequests,
  ) {
    this.#application = application;
    this.#environment = environment;
    this.#refused = refused;
  }

  /** Refuses all new handshakes, and all handshakes that `authorize` has not decided yet. */
  stop(refusal: HttpRefusal): void {
    this.#shutdownRefusal = refusal;
    for (const pending of this.#pending) {
      pending.attempt.abort();
      this.#refused.reportPending(refusal, pending.attempt);
      pending.refuse(refusal);
    }
    this.#pending.clear();
  }

  /** Decides on a handshake. Returns undefined if it was accepted. Never throws or rejects. */
  handle(
    received: BunRequest,
    target: RequestTarget | HttpRefusal,
  ): FetchResult | Promise<FetchResult> {
    if (this.#shutdownRefusal !== undefined) {
      return this.#refuse(received, target, this.#shutdownRefusal);
    }
    if (!("url" in target)) return this.#refuse(received, target, target);
    const { request, rawHeaders, peer } = received;
    const { method } = request;
    const offer = readUpgradeRequest({
      method,
      httpVersionMajor: 1,
      httpVersionMinor: 1,
      rawHeaders,
    });
    const attempt = new NodeUpgradeAttempt({ rawHeaders, peer, offer }, target);
    const decision = this.#application.gate.decide(attempt);
    return decision instanceof Promise
      ? this.#wait(received, attempt, decision)
      : this.#carryOut(received, decision);
  }

  #wait(
    received: BunRequest,
    attempt: NodeUpgradeAttempt,
    decision: Promise<UpgradeDecision>,
  ): Promise<FetchResult> {
    return new Promise((resolve) => {
      const pending = {
        attempt,
        refuse: (refusal: HttpRefusal) => resolve(toLastResponse(refusal)),
      };
      this.#pending.add(pending);
      const { signal } = received.request;
      signal.addEventListener("abort", () => attempt.abort(), { once: true });
      void decision.then((decided) => {
        // During a shutdown, the handshake has got another response.
        if (!this.#pending.delete(pending)) {
          if (decided.kind === "answer") cancelBody(decided.response);
          return;
        }
        // `authorize` has failed or took too long, so its remaining work should stop.
        if (decided.kind === "refuse") attempt.abort();
        resolve(this.#carryOut(received, decided));
      });
    });
  }

  #carryOut(received: BunRequest, decision: UpgradeDecision): FetchResult {
    if (decision.kind === "accept") return this.#accept(received, decision);
    if (decision.kind === "refuse") return toLastResponse(decision);
    const response = withoutForeignFields(decision.response);
    // In Bun, the headers of every response can be changed.
    response.headers.set("Connection", "close");
    return response;
  }

  #accept({ request, server }: BunRequest, decision: UpgradeAccepted): FetchResult {
    const { connection: options, headers = [] } = decision;
    const { maxMessageBytes = DEFAULT_MAX_MESSAGE_BYTES } = options;
    const { maxQueuedBytes = DEFAULT_MAX_QUEUED_BYTES } = decision.limits;
    const data = new MessageConnection(
      this.#environment,
      { ...options, maxHeldBytes: Math.max(16 * maxQueuedBytes, maxMessageBytes) },
      (connection) => decision.open(connection),
    );
    // Without the offer, Bun does not negotiate compression.
    request.headers.delete("sec-websocket-extensions");
    const fields = new Headers(
      [...headers].map(([name, value]): [string, string] => [name, value]),
    );
    // Without a choice of this side, Bun chooses the first offered subprotocol.
    fields.set("Sec-WebSocket-Protocol", options.protocol);
    if (server.upgrade(request, { data, headers: fields })) return undefined;
    // The client has left, or Bun has refused the frames that it sent before the response.
    return new Response(null, { status: 400 });
  }

  #refuse(
    { rawHeaders, peer: socket }: BunRequest,
    target: RequestTarget | HttpRefusal,
    refusal: HttpRefusal,
  ): Response {
    this.#refused.report("handshake", refusal, { rawHeaders, socket, target });
    return toLastResponse(refusal);
  }
}
