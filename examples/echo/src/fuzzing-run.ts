import { type PingHeartbeatOptions, WebSocket, type WebSocketOptions } from "tideway";

/** The name under which a suite files its reports. */
const AGENT = "tideway";

const HEARTBEAT: PingHeartbeatOptions = { idleMs: 60_000, timeoutMs: 30_000 };

/** How a connection ended. */
export interface ConnectionEnd {
  readonly code: number;
  readonly reason: string;
  /** The error, if it failed. */
  readonly error?: Error;
}

/** The suite could not run. The message may contain text of the suite. */
export class SuiteError extends Error {}

export interface FuzzingRunOptions {
  /** Whether to offer compression (RFC 7692). Default: `true`, the default of the library. */
  readonly compression?: boolean;
  /** The largest message accepted, in bytes. Default: 16 MiB, the default of the library. */
  readonly maxMessageBytes?: number;
  /**
   * The heartbeat, which ends a case when its server sends nothing and answers no ping. Default: a ping after 60 s,
   * an answer within 30 s.
   */
  readonly heartbeat?: PingHeartbeatOptions;
  /** Called after each case with its end. Only the suite decides whether the case passed. */
  readonly onCase?: (caseNumber: number, caseCount: number, end: ConnectionEnd) => void;
}

/**
 * Runs all cases of a suite that tests clients: sends every message of a case back as the same type. If a
 * case fails, the next case still runs.
 *
 * Rejects with {@link SuiteError} if the suite does not send the number of cases, or does not write the
 * reports.
 *
 * @param url the URL of the suite; its path ends in a slash
 */
export async function runFuzzingServer(url: URL, options: FuzzingRunOptions = {}): Promise<void> {
  const { onCase, heartbeat = HEARTBEAT, ...limits } = options;
  const at = (path: string, query: Record<string, string> = {}): URL => {
    const whole = new URL(path, url);
    whole.search = new URLSearchParams(query).toString();
    return whole;
  };
  const caseCount = await askCaseCount(at("getCaseCount"));
  for (let number = 1; number <= caseCount; number++) {
    const caseUrl = at("runCase", { case: String(number), agent: AGENT });
    // One after the other, as suites expect.
    const end = await echoAll(caseUrl, { ...limits, heartbeat });
    onCase?.(number, caseCount, end);
  }
  const end = await endOf(new WebSocket(at("updateReports", { agent: AGENT })));
  if (end.error !== undefined) throw suiteError("The reports were not written", end);
}

async function askCaseCount(url: URL): Promise<number> {
  const socket = new WebSocket(url);
  let answer: unknown;
  socket.addEventListener("message", ({ data }) => {
    answer ??= data;
    socket.close();
  });
  const end = await endOf(socket);
  if (typeof answer === "string" && /^\d{1,6}$/.test(answer)) return Number(answer);
  const what = `cannot get the number of cases from ${url.href}`;
  if (isRefused(end.error)) {
    throw new SuiteError(`${what}: connection refused; is the fuzzing server running?`, {
      cause: end.error,
    });
  }
  if (answer === undefined) throw suiteError(what, end);
  throw new SuiteError(`${what}: the answer is ${answer as string}`);
}

function echoAll(url: URL, options: WebSocketOptions): Promise<ConnectionEnd> {
  const socket = new WebSocket(url, options);
  socket.binaryType = "arraybuffer";
  // In the event itself, so that an echo is sent before the bytes after the message are read.
  socket.addEventListener("message", ({ data }) => socket.send(data));
  return endOf(socket);
}

function endOf(socket: WebSocket): Promise<ConnectionEnd> {
  return new Promise((resolve) => {
    let failure: { error?: Error } = {};
    socket.addEventListener("error", (event) => {
      failure = { error: (event as Event & { readonly error: Error }).error };
    });
    socket.addEventListener("close", ({ code, reason }) => resolve({ code, reason, ...failure }));
  });
}

/** Whether no program listens at the URL. */
function isRefused(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return ("code" in error && error.code === "ECONNREFUSED") || isRefused(error.cause);
}

function suiteError(what: string, { code, error: cause }: ConnectionEnd): SuiteError {
  const why = cause?.message ?? `closed with ${code}`;
  return new SuiteError(`${what}: ${why}`, { cause });
}
