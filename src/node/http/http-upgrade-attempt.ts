import type { UpgradeOutcome } from "../../protocol/handshake/index.ts";
import type { Peer } from "../../server/upgrade.ts";
import type { RequestTarget } from "../requests/request-target.ts";
import { NodeUpgradeAttempt } from "../requests/upgrade-attempt.ts";

/** A request of HTTP/1.1 for a WebSocket. */
export class HttpUpgradeAttempt extends NodeUpgradeAttempt {
  readonly #outcome: UpgradeOutcome;

  /** `outcome` is what has been found about its head. */
  constructor(
    rawHeaders: readonly string[],
    outcome: UpgradeOutcome,
    peer: Peer,
    target: RequestTarget,
  ) {
    super(rawHeaders, peer, target);
    this.#outcome = outcome;
  }

  readOffer(): UpgradeOutcome {
    return this.#outcome;
  }

  /** The `Sec-WebSocket-Key`, if the request is a valid opening handshake. */
  get key(): string {
    return this.#outcome.kind === "upgrade" ? this.#outcome.key : "";
  }
}
