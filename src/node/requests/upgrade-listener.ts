import type { Connection } from "../../connection/connection.ts";
import { openByteConnection } from "../../connection/logged-connection.ts";
import { describeSubprotocol } from "../../errors/debug-log.ts";
import { computeAcceptKey, type HttpRefusal } from "../../protocol/handshake/index.ts";
import type { Application } from "../../server/application.ts";
import { quoteStart } from "../../server/reports/refusal-reporter.ts";
import type { UpgradeAccepted, UpgradeDecision } from "../../server/requests/upgrade-attempt.ts";
import { PendingUpgrades } from "./pending-upgrades.ts";
import type { RefusedRequests } from "./refused-requests.ts";
import { withoutForeignFields } from "./relayed-response.ts";
import type { RequestEnvironment } from "./request-environment.ts";
import type { RequestTarget } from "./request-target.ts";
import type { UpgradeResponder } from "./upgrade-responder.ts";
import { NodeUpgradeAttempt, type UpgradeRequest } from "./upgrade-attempt.ts";

/** Answers the requests for WebSockets. */
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
      this.#log(attempt, "waits for authorize");
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
    else responder.answer({ ...decision, response: withoutForeignFields(decision.response) });
  }

  #accept(
    decision: UpgradeAccepted,
    attempt: NodeUpgradeAttempt,
    responder: UpgradeResponder,
    head: Uint8Array,
  ): void {
    const { connections } = this.#environment;
    const { key } = attempt;
    const { connection, headers = [] } = decision;
    const { protocol, extensions } = connection;
    const acceptKey = key === "" ? "" : computeAcceptKey(key, connections.protocol);
    const hasHead = head.byteLength > 0;
    const transport = responder.accept({ acceptKey, protocol, extensions, headers }, hasHead);
    if (transport === undefined) {
      this.#log(attempt, "not accepted, because the client has left");
      return;
    }
    // An empty head is left out, because it would keep the whole chunk of the request in memory.
    const options = hasHead ? { ...connection, head } : connection;
    const opened = openByteConnection(connections, transport, options);
    this.#logAccepted(attempt, opened);
    decision.open(opened);
  }

  #logAccepted(attempt: NodeUpgradeAttempt, connection: Connection): void {
    const { log } = this.#environment.connections;
    if (!log.isEnabled) return;
    log.write(() => {
      const { protocol, extensions } = connection;
      const offer = attempt.readOffer();
      const offered = offer.kind === "refuse" ? [] : offer.protocols;
      return (
        `handshake accepted: ${describeAttempt(attempt)}, HTTP/${attempt.key === "" ? 2 : 1.1}, ` +
        `subprotocol ${describeSubprotocol(protocol, offered)}, extensions ${extensions || "none"}, ` +
        `as connection ${log.idOf("connection", connection)}`
      );
    });
  }

  #log(attempt: NodeUpgradeAttempt, event: string): void {
    const { log } = this.#environment.connections;
    if (log.isEnabled) log.write(() => `handshake ${event}: ${describeAttempt(attempt)}`);
  }
}

/**
 * Describes an attempt by its path, without the query, which may contain secrets, and by the client's
 * address.
 */
function describeAttempt({ pathname, remoteAddress }: NodeUpgradeAttempt): string {
  return `path ${quoteStart(pathname)} from ${remoteAddress || "an unknown address"}`;
}
