import { BrokerError } from "../../errors/index.ts";

/** The JetStream error code "wrong last sequence", which means that another publisher was faster. */
const WRONG_LAST_SEQUENCE = 10_071;

/** The same in a cluster, while it stores a message on the subject. */
const WRITE_IN_PROGRESS = 10_164;

/** The JetStream error code "duplicate message id is in process", from a cluster. */
const ID_IN_PROGRESS = 10_158;

/** The JetStream error code "no suitable peers for placement": too few servers of the cluster are running. */
const NO_PEERS = 10_005;

/** The JetStream error code "too many requests". */
const TOO_MANY_REQUESTS = 10_167;

/** The JetStream error code "maximum consumers limit reached". NATS removes the consumer of a read after seconds. */
const TOO_MANY_CONSUMERS = 10_026;

/** The JetStream error code "stream not found". */
const STREAM_NOT_FOUND = 10_059;

export function isConflict(error: unknown): boolean {
  const code = apiCodeOf(error);
  return code === WRONG_LAST_SEQUENCE || code === WRITE_IN_PROGRESS;
}

export function isStreamMissing(error: unknown): boolean {
  return apiCodeOf(error) === STREAM_NOT_FOUND;
}

/** Whether no server of NATS has answered: there is no stream for the subject, or JetStream is not running. */
export function isUnanswered(error: unknown): boolean {
  return property(error, "name") === "JetStreamNotEnabled";
}

/** The JetStream error codes below status 500 that are temporary. */
const TEMPORARY: readonly unknown[] = [
  WRITE_IN_PROGRESS,
  ID_IN_PROGRESS,
  NO_PEERS,
  TOO_MANY_REQUESTS,
  TOO_MANY_CONSUMERS,
];

/** The names of client errors for which a retry cannot help, such as a payload that is too big. */
const FINAL: readonly unknown[] = [
  "AuthorizationError",
  "InvalidArgumentError",
  "InvalidSubjectError",
  "PermissionViolationError",
];

/** Converts an error of a NATS client to a `BrokerError`. */
export function toBrokerError(cause: unknown): BrokerError {
  if (cause instanceof BrokerError) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  const [code, status] = [apiCodeOf(cause), property(cause, "status")];
  // 5xx errors are temporary, for example if a cluster has no leader. A retry does not help with most other
  // errors of JetStream.
  const isFinal = typeof status === "number" && status < 500 && !TEMPORARY.includes(code);
  const isRefused = code !== undefined && isFinal;
  // The client wraps the error of a request in a RequestError.
  const errors = [cause, property(cause, "cause")];
  if (isRefused || errors.some((error) => FINAL.includes(property(error, "name")))) {
    return new BrokerError("BROKER_REFUSED", `NATS refused the request: ${message}`, { cause });
  }
  return new BrokerError("BROKER_UNAVAILABLE", `NATS cannot be reached: ${message}`, { cause });
}

/** Returns the JetStream error code; undefined if the error does not come from JetStream. */
function apiCodeOf(error: unknown): number | undefined {
  const code = property(error, "code");
  return typeof code === "number" ? code : undefined;
}

function property(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}
