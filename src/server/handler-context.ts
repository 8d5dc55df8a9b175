import type { Params } from "./patterns/route-pattern.ts";
import type { ClientCertificate, WebSocketContext } from "./route-types.ts";
import type { UpgradeAttempt } from "./upgrade.ts";

/** Reads the request only when the handler does. */
export class HandlerContext implements WebSocketContext<Params, string, unknown> {
  readonly params: Params;
  readonly protocol: string;
  readonly state: unknown;
  readonly #attempt: UpgradeAttempt;

  constructor(attempt: UpgradeAttempt, params: Params, protocol: string, state: unknown) {
    this.#attempt = attempt;
    this.params = params;
    this.protocol = protocol;
    this.state = state;
  }

  get request(): Request {
    return this.#attempt.request;
  }

  get url(): URL {
    return this.#attempt.url;
  }

  get remoteAddress(): string {
    return this.#attempt.remoteAddress;
  }

  get clientCertificate(): ClientCertificate | undefined {
    return this.#attempt.clientCertificate;
  }
}
