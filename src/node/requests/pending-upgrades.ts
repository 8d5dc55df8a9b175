import { type HttpRefusal, refuse } from "../../protocol/handshake/index.ts";
import type { ByteBudget } from "../../protocol/byte-budget.ts";
import { cancelBody } from "../../server/routes/http-answer.ts";
import type { UpgradeDecision } from "../../server/requests/upgrade-attempt.ts";
import { EarlyDataBuffer } from "./early-data-buffer.ts";
import type { RefusedRequests } from "./refused-requests.ts";
import type { NodeUpgradeAttempt } from "./upgrade-attempt.ts";
import type { UpgradeResponder } from "./upgrade-responder.ts";

const NO_MEMORY = refuse(
  503,
  "The server has no memory left for data that arrives before the handshake is accepted.",
  { option: "maxUnfinishedBytes" },
);

/** The requests for a WebSocket on which `authorize` has not decided yet. */
export class PendingUpgrades {
  readonly #budget: ByteBudget;
  readonly #refused: RefusedRequests;
  readonly #refusers = new Set<(refusal: HttpRefusal) => void>();

  /**
   * @param budget limits the bytes that clients send before they get a response
   */
  constructor(budget: ByteBudget, refused: RefusedRequests) {
    this.#budget = budget;
    this.#refused = refused;
  }

  /**
   * Waits for `decision`, and keeps the bytes that arrive before it.
   *
   * @param head the bytes that arrived together with the request
   * @param onDecided called with all early bytes; not called if the client disconnects or is refused before
   *   the decision
   */
  wait(
    attempt: NodeUpgradeAttempt,
    decision: Promise<UpgradeDecision>,
    responder: UpgradeResponder,
    head: Uint8Array,
    onDecided: (decision: UpgradeDecision, early: Uint8Array) => void,
  ): void {
    let isSettled = false;
    const settle = (): void => {
      isSettled = true;
      this.#refusers.delete(refuseNow);
    };
    const early = new EarlyDataBuffer(responder.stream, head, this.#budget, {
      onGone() {
        settle();
        attempt.abort();
        responder.drop();
      },
      onFull: () => refuseNow(NO_MEMORY),
    });
    const refuseNow = (refusal: HttpRefusal): void => {
      settle();
      early.release();
      attempt.abort();
      this.#refused.reportPending(refusal, attempt);
      responder.refuse(refusal);
    };
    this.#refusers.add(refuseNow);
    early.start();
    void decision.then((decided) => {
      if (isSettled) return discard(decided);
      settle();
      // `authorize` has failed or took too long, so its remaining work should stop.
      if (decided.kind === "refuse") attempt.abort();
      return onDecided(decided, early.release());
    });
  }

  /** Refuses all pending requests. */
  refuseAll(refusal: HttpRefusal): void {
    for (const refuseNow of this.#refusers) refuseNow(refusal);
  }
}

function discard(decision: UpgradeDecision): void {
  if (decision.kind === "answer") cancelBody(decision.response);
}
