import { type PingHeartbeatOptions, WebSocket, type WebSocketOptions } from "tideway";

/** By which a suite tells its reports apart. */
const AGENT = "tideway";

const HEARTBEAT: PingHeartbeatOptions = { idleMs: 60_000, timeoutMs: 30_000 };

/** How a connection ended. */
export interface ConnectionEnd {
  readonly code: number;
  readonly reason: string;
  /** Why it failed, where it did. */
  readonly error?: Error;
}

/** A suite that cannot be run; the message may hold text of the suite's. */
export class SuiteError extends Error {}

export interface FuzzingRunOptions {
  /** Whether cases are offered compression (RFC 7692). Default: `true`, as by the library. */
  readonly compression?: boolean;
  /** The largest message taken, in bytes. Default: the library's, 16 MiB. */
  readonly maxMessageBytes?: number;
  /**
   * When to give up a case whose server has gone silent, and answers no ping either. Default: a ping
   * after 60 s, an answer within 30 s.
   */
  readonly heartbeat?: PingHeartbeatOptions;
  /** Is told how each case ended. Whether it went well is the suite's to judge. */
  readonly onCase?: (caseNumber: number, caseCount: number, end: ConnectionEnd) => void;
}

/**
 * Runs all cases of a suite that tests clients: every message of a case is sent back as what it came.
 * A case may fail to connect, and end in any way; the next one is run all the same.
 *
 * Rejects with {@link SuiteError} if the number of cases cannot be had, or the reports not be written.
 *
 * @param url Where the suite is; its path ends in a slash.
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
    // One after the other: that is how the suite counts, too.
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
  if (answer === undefined) throw suiteError("There is no number of cases", end);
  throw new SuiteError(`There is no number of cases: the answer is ${answer as string}`);
}

function echoAll(url: URL, options: WebSocketOptions): Promise<ConnectionEnd> {
  const socket = new WebSocket(url, options);
  socket.binaryType = "arraybuffer";
  // In the event itself: an echo leaves before what stood behind the message is read.
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

function suiteError(what: string, { code, error: cause }: ConnectionEnd): SuiteError {
  const why = cause?.message ?? `closed with ${code}`;
  return new SuiteError(`${what}: ${why}`, { cause });
}
