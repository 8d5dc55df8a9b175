import { ByteConnection } from "../../connection/byte-connection.ts";
import { computeAcceptKey, type HttpRefusal } from "../../protocol/handshake/index.ts";
import type { Application } from "../../server/application.ts";
import type { UpgradeAccepted, UpgradeDecision } from "../../server/upgrade.ts";
import { PendingUpgrades } from "./pending-upgrades.ts";
import type { RefusedRequests } from "./refused-requests.ts";
import type { RequestEnvironment } from "./request-environment.ts";
import type { RequestTarget } from "./request-target.ts";
import type { UpgradeResponder } from "./upgrade-responder.ts";
import { NodeUpgradeAttempt, type UpgradeRequest } from "./upgrade-attempt.ts";

/** Answers the requests for a WebSocket. */
export class UpgradeListener {
  readonly #application: Application;
  readonly #environment: RequestEnvironment;
  readonly #refused: RefusedRequests;
  readonly #pending: PendingUpgrades;

  constructor(application: Application, environment: RequestEnvironment, refused: RefusedRequests) {
    this.#application = application;
    this.#environment = environment;
    this.#refused = refused;
    this.#pending = new PendingUpgrades(application.unfinishedBudget, refused);
  }

  /** Whether a `ws:` route matches. */
  isFor(target: RequestTarget | HttpRefusal): boolean {
    return "url" in target && this.#application.gate.hasRoute(target.url.pathname);
  }

  /** @param head the bytes that arrived after the request */
  handle(
    request: UpgradeRequest,
    target: RequestTarget | HttpRefusal,
    responder: UpgradeResponder,
    head: Uint8Array,
  ): void {
    if (!("url" in target)) {
      const { rawHeaders, peer: socket } = request;
      this.#refused.report("handshake", target, { rawHeaders, socket, target });
      responder.refuse(target);
      return;
    }
    const attempt = new NodeUpgradeAttempt(request, target);
    const decision = this.#application.gate.decide(attempt);
    if (!(decision instanceof Promise)) this.#carryOut(decision, attempt, responder, head);
    else {
      this.#pending.wait(attempt, decision, responder, head, (decided, early) =>
        this.#carryOut(decided, attempt, responder, early),
      );
    }
  }

  /** Refuses all handshakes that `authorize` has not decided yet. */
  refusePending(refusal: HttpRefusal): void {
    this.#pending.refuseAll(refusal);
  }

  #carryOut(
    decision: UpgradeDecision,
    attempt: NodeUpgradeAttempt,
    responder: UpgradeResponder,
    head: Uint8Array,
  ): void {
    if (decision.kind === "accept") this.#accept(decision, attempt, responder, head);
    else if (decision.kind === "refuse") responder.refuse(decision);
    else responder.answer(decision);
  }

  #accept(
    decision: UpgradeAccepted,
    { key }: NodeUpgradeAttempt,
    responder: UpgradeResponder,
    head: Uint8Array,
  ): void {
    const { connections } = this.#environment;
    const { connection, headers = [] } = decision;
    const { protocol, extensions } = connection;
    const acceptKey = key === "" ? "" : computeAcceptKey(key, connections.protocol);
    const hasHead = head.byteLength > 0;
    const transport = responder.accept({ acceptKey, protocol, extensions, headers }, hasHead);
    if (transport === undefined) return;
    // An empty head would keep the whole chunk of the request in memory.
    const options = hasHead ? { ...connection, head } : connection;
    decision.open(new ByteConnection(connections, transport, options));
  }
}
