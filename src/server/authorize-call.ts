import type { Params } from "./patterns/route-pattern.ts";
import { ResponseHeaders } from "./response-headers.ts";
import type { AuthorizeContext, ClientCertificate } from "./route-types.ts";
import type { UpgradeAttempt } from "./upgrade.ts";

/** The arguments of one call of `authorize`. Reads the request only when `authorize` does. */
export class AuthorizeCall implements AuthorizeContext<Params> {
  readonly params: Params;
  readonly #attempt: UpgradeAttempt;
  #responseHeaders: ResponseHeaders | undefined;

  constructor(attempt: UpgradeAttempt, params: Params) {
    this.#attempt = attempt;
    this.params = params;
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

  get responseHeaders(): Headers {
    this.#responseHeaders ??= new ResponseHeaders();
    return this.#responseHeaders;
  }

  /**
   * The fields to send with the response that accepts; undefined for none.
   *
   * @throws UsageError `RESERVED_HEADER`, `INVALID_HEADER`
   */
  takeFields(): ReturnType<ResponseHeaders["toFields"]> | undefined {
    return this.#responseHeaders?.toFields();
  }
}
