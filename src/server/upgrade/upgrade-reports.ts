import { UsageError } from "../../errors/index.ts";
import type { HttpRefusal } from "../../protocol/handshake/index.ts";
import { isInstance } from "../../schema/values.ts";
import { MinuteLimit } from "../reports/minute-limit.ts";
import type { RefusalReporter } from "../reports/refusal-reporter.ts";
import type { UpgradeAttempt } from "../requests/upgrade-attempt.ts";
import type { WebSocketEntry } from "../routes/route-entries.ts";
import type { ErrorListener } from "../socket/error-context.ts";

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
  /** Limits the reports of usage errors to one per route and minute. */
  readonly #usageErrors: MinuteLimit;

  constructor(environment: UpgradeReportsEnvironment) {
    this.#environment = environment;
    this.#usageErrors = new MinuteLimit(() => environment.wheel.nowMs);
  }

  /** Whether responses may name the option to set, which helps developers. */
  get isVerbose(): boolean {
    return this.#environment.refusals.isVerbose;
  }

  /** Reports to `onRefused` that the library refused an attempt, and returns the refusal. */
  refuse(refusal: HttpRefusal, attempt: UpgradeAttempt, entry?: WebSocketEntry): HttpRefusal {
    this.#environment.refusals.reportResponse("handshake", refusal, attempt, entry?.key);
    return refusal;
  }

  /** Reports to `onRefused` that `authorize` refused the client with a Response. */
  reportAnswer(
    { status }: Response,
    attempt: UpgradeAttempt,
    { key: route }: WebSocketEntry,
  ): void {
    // The client has disconnected, or the server has sent another response already.
    if (attempt.isAborted) return;
    const reason = "authorize returned a Response.";
    const details = { what: "handshake", by: "application", status, reason, route } as const;
    this.#environment.refusals.report({ ...details, option: "authorize" }, attempt);
  }

  /**
   * Reports an error of the route's `origins`, `protocols` or `authorize` to `onError`. Reports usage errors
   * at most once per route and minute, because clients can cause any number of them.
   */
  reportFailure(error: unknown, attempt: UpgradeAttempt, entry: WebSocketEntry): void {
    if (isInstance(error, UsageError) && !this.#usageErrors.take(entry)) return;
    this.reportError(error, attempt, entry);
  }

  /** Reports an error of an attempt on a route to `onError`. */
  reportError(error: unknown, attempt: UpgradeAttempt, { key: route }: WebSocketEntry): void {
    this.#environment.report(error, { route, request: attempt.request });
  }

  /** Reports to `onError` that an attempt cannot be represented as a `Request`. */
  reportMalformed(error: unknown): void {
    this.#environment.report(error, {});
  }
}
