import type { TimerWheel } from "../../connection/timer-wheel.ts";
import { TidewayError } from "../../errors/index.ts";
import { refuse } from "../../protocol/handshake/http-refusal.ts";
import { isInstance, isThenable } from "../../schema/values.ts";
import type {
  UpgradeAccepted,
  UpgradeAttempt,
  UpgradeDecision,
} from "../requests/upgrade-attempt.ts";
import { readAuthorization } from "../routes/authorize-result.ts";
import { cancelBody } from "../routes/http-answer.ts";
import { isOwnResponse } from "../routes/is-response.ts";
import type { WebSocketEntry } from "../routes/route-entries.ts";
import type { RouteMatch } from "../routes/route-table.ts";
import { AuthorizeCall } from "../routes/upgrade-contexts.ts";
import { AuthorizeLimit } from "./authorize-limit.ts";
import type { RunInAsyncContext } from "./route-connections.ts";
import type { UpgradeReports } from "./upgrade-reports.ts";

export interface AuthorizerEnvironment {
  readonly wheel: TimerWheel;
  readonly runInAsyncContext: RunInAsyncContext;
  /** The timeout of each call of `authorize`. */
  readonly handshakeTimeoutMs: number;
  /** The maximum number of pending calls. */
  readonly maxPendingAuthorize: number;
}

/** Creates the decision that accepts an attempt. `headers` are the headers that `authorize` has added. */
export type Accept = (state: unknown, headers?: UpgradeAccepted["headers"]) => UpgradeDecision;

/** Calls the `authorize` of a route, with a timeout, and turns its result into a decision. */
export class Authorizer {
  readonly #environment: AuthorizerEnvironment;
  readonly #reports: UpgradeReports;
  readonly #pending: AuthorizeLimit;

  constructor(environment: AuthorizerEnvironment, reports: UpgradeReports) {
    this.#environment = environment;
    this.#reports = reports;
    this.#pending = new AuthorizeLimit(environment.maxPendingAuthorize);
  }

  /** The number of connected clients that wait for a decision. */
  get waitingClients(): number {
    return this.#pending.clients;
  }

  /** The reason why no call may start for `connection`, or undefined if one may. */
  whyFull(connection: object): string | undefined {
    return this.#pending.whyFull(connection);
  }

  /** Never throws or rejects. Returns a promise only if `authorize` is asynchronous. */
  decide(
    attempt: UpgradeAttempt,
    { entry, params }: RouteMatch<WebSocketEntry>,
    accept: Accept,
  ): UpgradeDecision | Promise<UpgradeDecision> {
    const call = new AuthorizeCall(attempt, params);
    const decide = (result: unknown): UpgradeDecision => {
      const verdict = readAuthorization(result, entry.key);
      if (verdict.kind === "fail") return fail(verdict.error);
      if (verdict.kind === "accept") return accept(verdict.state, call.takeFields());
      const { response } = verdict;
      this.#reports.reportAnswer(response, attempt, entry);
      return {
        kind: "answer",
        response,
        onFailure: (error) => this.#reports.reportError(error, attempt, entry),
      };
    };
    const fail = (error: unknown): UpgradeDecision => this.#fail(error, attempt, entry);
    try {
      const result = this.#environment.runInAsyncContext(() =>
        entry.authorize!(attempt.request, call),
      );
      if (!isThenable(result)) return decide(result);
      return this.#withTimeout(attempt, Promise.resolve(result)).then(decide).catch(fail);
    } catch (error) {
      return fail(error);
    }
  }

  #fail(error: unknown, attempt: UpgradeAttempt, entry: WebSocketEntry): UpgradeDecision {
    const refusal = isInstance(error, AuthorizeTimeout) ? TOO_SLOW : FAILED;
    // If the client has disconnected, the aborted signal of its request may have caused the error.
    if (attempt.isAborted) return refusal;
    this.#reports.reportFailure(error, attempt, entry);
    return this.#reports.refuse(refusal, attempt, entry);
  }

  #withTimeout<T>(attempt: UpgradeAttempt, promise: Promise<T>): Promise<T> {
    const { wheel, handshakeTimeoutMs } = this.#environment;
    const end = this.#pending.start(attempt);
    return new Promise<T>((resolve, reject) => {
      const timer = wheel.start(handshakeTimeoutMs, () => {
        reject(new AuthorizeTimeout(handshakeTimeoutMs));
        promise.then(discardResponse, () => {});
      });
      void promise.then(resolve, reject).finally(() => timer.cancel());
    }).finally(end);
  }
}

/** Cancels the body of a Response that `authorize` returned after the timeout. */
function discardResponse(result: unknown): void {
  try {
    if (isOwnResponse(result)) cancelBody(result);
  } catch {
    // The application's object may be a proxy that throws.
  }
}

class AuthorizeTimeout extends TidewayError {
  constructor(timeoutMs: number) {
    super(
      "AUTHORIZE_TIMEOUT",
      `authorize took longer than handshakeTimeoutMs ${timeoutMs}; make it faster, or raise the limit`,
    );
  }
}

const TOO_SLOW = refuse(503, "The server is too busy.", { option: "handshakeTimeoutMs" });
const FAILED = refuse(500, "The server failed.");
