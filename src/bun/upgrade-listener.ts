import { type HttpRefusal, readUpgradeRequest } from "../protocol/handshake/index.ts";
import type { RefusedRequests } from "../node/requests/refused-requests.ts";
import type { RequestTarget } from "../node/requests/request-target.ts";
import { NodeUpgradeAttempt } from "../node/requests/upgrade-attempt.ts";
import type { Application } from "../server/application.ts";
import { serverFailed } from "../server/http-answer.ts";
import type { UpgradeAccepted, UpgradeDecision } from "../server/upgrade.ts";
import type { FetchResult } from "./bun-api.ts";
import { type BunRequest, closing, toResponse } from "./bun-request.ts";
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

  constructor(
    application: Application,
    environment: MessageConnectionEnvironment,
    refused: RefusedRequests,
  ) {
    this.#application = application;
    this.#environment = environment;
    this.#refused = refused;
  }

  /** Decides on a handshake. Returns undefined if it was accepted. Never throws or rejects. */
  handle(received: BunRequest, target: RequestTarget): FetchResult | Promise<FetchResult> {
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

  /** Refuses all handshakes that `authorize` has not decided yet. */
  refusePending(refusal: HttpRefusal): void {
    for (const pending of this.#pending) {
      pending.attempt.abort();
      this.#refused.reportPending(refusal, pending.attempt);
      pending.refuse(refusal);
    }
    this.#pending.clear();
  }

  #wait(
    received: BunRequest,
    attempt: NodeUpgradeAttempt,
    decision: Promise<UpgradeDecision>,
  ): Promise<FetchResult> {
    return new Promise((resolve) => {
      const pending = { attempt, refuse: (refusal: HttpRefusal) => resolve(toResponse(refusal)) };
      this.#pending.add(pending);
      const { signal } = received.request;
      signal.addEventListener("abort", () => attempt.abort(), { once: true });
      void decision.then((decided) => {
        // During a shutdown, the handshake has got another response.
        if (this.#pending.delete(pending)) resolve(this.#carryOut(received, decided));
      });
    });
  }

  #carryOut(received: BunRequest, decision: UpgradeDecision): FetchResult {
    if (decision.kind === "accept") return this.#accept(received, decision);
    if (decision.kind === "refuse") return closing(toResponse(decision));
    try {
      return closing(decision.response);
    } catch (error) {
      // For example, its body has been used.
      decision.onFailure(error);
      return closing(serverFailed());
    }
  }

  #accept({ request, server }: BunRequest, decision: UpgradeAccepted): FetchResult {
    const { connection: options, headers = [] } = decision;
    const { maxMessageBytes = 1_048_576 } = options;
    const { maxQueuedBytes = 65_536 } = decision.limits;
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
    // The client has left, or has sent frames before the response.
    return closing(new Response(null, { status: 400 }));
  }
}
