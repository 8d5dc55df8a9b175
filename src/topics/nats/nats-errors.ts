import { BrokerError } from "../../errors/index.ts";

/** JetStream's "wrong last sequence": somebody else was quicker. */
const WRONG_LAST_SEQUENCE = 10_071;

export function isConflict(error: unknown): boolean {
  return apiCodeOf(error) === WRONG_LAST_SEQUENCE;
}

export function isStreamMissing(error: unknown): boolean {
  return apiCodeOf(error) === 10_059;
}

/** What the client throws where another attempt would be as wrong: too big a payload, for one. */
const FINAL: readonly unknown[] = [
  "AuthorizationError",
  "InvalidArgumentError",
  "InvalidSubjectError",
  "PermissionViolationError",
];

/** What the client has thrown, as an error of a broker. */
export function toBrokerError(cause: unknown): BrokerError {
  if (cause instanceof BrokerError) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  const status = property(cause, "status");
  // 5xx, such as a cluster without a leader, pass; the rest of what JetStream says does not.
  const isRefused = apiCodeOf(cause) !== undefined && typeof status === "number" && status < 500;
  if (isRefused || FINAL.includes(property(cause, "name"))) {
    return new BrokerError("BROKER_REFUSED", `NATS refused: ${message}`, { cause });
  }
  return new BrokerError("BROKER_UNAVAILABLE", `NATS cannot be reached: ${message}`, { cause });
}

/** The number of an error that JetStream has answered with. */
function apiCodeOf(error: unknown): number | undefined {
  const code = property(error, "code");
  return typeof code === "number" ? code : undefined;
}

function property(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}
