import type { Duplex } from "node:stream";
import { type HttpRefusal, refuse } from "../../protocol/handshake/index.ts";
import type { ByteBudget } from "../../protocol/index.ts";
import { cancelBody } from "../../server/http-answer.ts";
import type { UpgradeDecision } from "../../server/upgrade.ts";
import { EarlyDataBuffer } from "./early-data-buffer.ts";
import type { NodeUpgradeAttempt } from "./upgrade-attempt.ts";

/** How a decision reaches the peer, by the HTTP version at hand. */
export interface Outcomes {
  /** `head` are the bytes that came before the decision. */
  carryOut(decision: UpgradeDecision, head: Uint8Array): void;
  refuse(refusal: HttpRefusal): void;
  /** The peer has gone, or has closed its side. */
  drop(): void;
}

/** The requests for a WebSocket that `authorize` is still deciding on. */
export class PendingUpgrades {
  readonly #budget: ByteBudget;
  readonly #refusers = new Set<(refusal: HttpRefusal) => void>();

  /** @param budget bounds the bytes that clients send before they get an answer */
  constructor(budget: ByteBudget) {
    this.#budget = budget;
  }

  /** Holds `socket` until its `decision` has been made; `head` are bytes that have come already. */
  wait(
    socket: Duplex,
    head: Uint8Array,
    attempt: NodeUpgradeAttempt,
    decision: Promise<UpgradeDecision>,
    outcomes: Outcomes,
  ): void {
    let isSettled = false;
    const settle = (): void => {
      isSettled = true;
      this.#refusers.delete(refuseNow);
    };
    const held = new EarlyDataBuffer(socket, head, this.#budget, {
      onGone() {
        settle();
        attempt.abort();
        outcomes.drop();
      },
      onFull: () => refuseNow(NO_MEMORY),
    });
    const refuseNow = (refusal: HttpRefusal): void => {
      settle();
      held.release();
      attempt.abort();
      outcomes.refuse(refusal);
    };
    this.#refusers.add(refuseNow);
    held.start();
    void decision.then((decided) => {
      if (isSettled) return discard(decided);
      settle();
      // Refused because it failed or took too long: whatever it is still doing is in vain.
      if (decided.kind === "refuse") attempt.abort();
      return outcomes.carryOut(decided, held.release());
    });
  }

  /** Refuses all of them. */
  refuseAll(refusal: HttpRefusal): void {
    for (const refuseOne of this.#refusers) refuseOne(refusal);
  }
}

const NO_MEMORY = refuse(
  503,
  "The server has no memory left for data before the end of the handshake.",
  { option: "maxUnfinishedBytes" },
);

function discard(decision: UpgradeDecision): void {
  if (decision.kind === "answer") cancelBody(decision.response);
}
