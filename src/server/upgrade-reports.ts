import { UsageError } from "../errors/index.ts";
import type { HttpRefusal } from "../protocol/handshake/index.ts";
import { MinuteLimit } from "./minute-limit.ts";
import type { RefusalReporter } from "./refusal-reporter.ts";
import type { ErrorListener } from "./report.ts";
import type { WebSocketEntry } from "./route-entries.ts";
import type { UpgradeAttempt } from "./upgrade.ts";
import { isInstance } from "./values.ts";

export interface UpgradeReportsEnvironment {
  /** Reports to `onError`. */
  readonly report: ErrorListener;
  /** Reports to `onRefused`. */
  readonly refusals: RefusalReporter;
  readonly wheel: { readonly nowMs: number };
}

/** Reports the refusals and errors of upgrades. */
export class UpgradeReports {
  readonly #environment: UpgradeReportsEnvironment;
  /** Limits the reports of usage errors, by route. */
  readonly #usageErrors: MinuteLimit;

  constructor(environment: UpgradeReportsEnvironment) {
    this.#environment = environment;
    this.#usageErrors = new MinuteLimit(() => environment.wheel.nowMs);
  }

  /** Whether responses may name the option to set, to help a developer. */
  get isVerbose(): boolean {
    return this.#environment.refusals.isVerbose;
  }

  /** Reports a refusal by the library, and returns it. */
  refuse(refusal: HttpRefusal, attempt: UpgradeAttempt, entry?: WebSocketEntry): HttpRefusal {
    this.#environment.refusals.reportResponse("handshake", refusal, attempt, entry?.key);
    return refusal;
  }

  /** Reports that `authorize` refused the client with a Response. */
  reportAnswer(
    { status }: Response,
    attempt: UpgradeAttempt,
    { key: route }: WebSocketEntry,
  ): void {
    // The server has sent another response already, or the client has left.
    if (attempt.isAborted) return;
    const reason = "authorize returned a Response.";
    const details = { what: "handshake", by: "application", status, reason, route } as const;
    this.#environment.refusals.report({ ...details, option: "authorize" }, attempt);
  }

  /**
   * Reports an error of a callback of the route. Reports usage errors once per route and minute, because
   * clients can cause any number of them.
   */
  reportFailure(error: unknown, attempt: UpgradeAttempt, entry: WebSocketEntry): void {
    if (isInstance(error, UsageError) && !this.#usageErrors.take(entry)) return;
    this.reportError(error, attempt, entry);
  }

  /** Reports an error that concerns an attempt, and its route if there is one. */
  reportError(error: unknown, attempt: UpgradeAttempt, { key: route }: WebSocketEntry): void {
    this.#environment.report(error, { route, request: attempt.request });
  }

  /** Reports that no `Request` could be made of an attempt. */
  reportMalformed(error: unknown): void {
    this.#environment.report(error, {});
  }
}
