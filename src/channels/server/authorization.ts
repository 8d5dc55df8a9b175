import { UsageError } from "../../errors/index.ts";
import { isInstance } from "../../schema/values.ts";
import { Refusal, type RefusalReason } from "./refusals.ts";

/** The decision of `authorize`: the state of the session, a refusal, or an error to report. */
export type Decision =
  | { readonly kind: "accepted"; readonly state: unknown; readonly expiresAtMs: number | undefined }
  | { readonly kind: "refused"; readonly reason: RefusalReason }
  | { readonly kind: "failed"; readonly error: unknown };

/** Reads the result of `authorize`. Only an object with a state accepts a client. Never throws. */
export function readDecision(result: unknown, dateNowMs: number): Decision {
  try {
    return decide(result, dateNowMs);
  } catch (error) {
    // A getter or a proxy of the application threw.
    return { kind: "failed", error };
  }
}

function decide(result: unknown, dateNowMs: number): Decision {
  if (isInstance(result, Refusal)) {
    return {
      kind: "refused",
      reason: result.reason === "forbidden" ? "forbidden" : "unauthorized",
    };
  }
  if (typeof result !== "object" || result === null || isInstance(result, Error))
    return invalid(result);
  const { state, expiresAtMs } = result as { state?: unknown; expiresAtMs?: unknown };
  if (state === undefined || state === null || state === false) return invalid(result);
  if (expiresAtMs === undefined) return { kind: "accepted", state, expiresAtMs };
  if (typeof expiresAtMs !== "number" || Number.isNaN(expiresAtMs)) return invalid(result);
  if (expiresAtMs <= dateNowMs) return { kind: "refused", reason: "unauthorized" };
  return {
    kind: "accepted",
    state,
    expiresAtMs: expiresAtMs === Infinity ? undefined : expiresAtMs,
  };
}

function invalid(result: unknown): Decision {
  if (isInstance(result, Error)) return { kind: "failed", error: result };
  const got =
    result === null ? "null" : typeof result === "object" ? "another object" : typeof result;
  return {
    kind: "failed",
    error: new UsageError(
      "INVALID_AUTHORIZATION",
      `channels: authorize returned ${got}; return { state, expiresAtMs? } or refuse("unauthorized")`,
    ),
  };
}
