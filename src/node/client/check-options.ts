import { checkNames, invalidOption, MAX_DELAY_MS } from "../../errors/check-options.ts";

export const FUNCTION = "a function";
export const DELAY: string = `a number from 0 to ${MAX_DELAY_MS}`;
export const TIMEOUT: string = `a number above 0 and at most ${MAX_DELAY_MS}`;
export const BYTES = "an integer above 0";
export const BOOLEAN = "true or false";
export const TIMERS = "an object with setTimeout and clearTimeout";

/** The type of each option, in words; undefined for options that other code checks. */
export type ExpectedOptions<Options> = Readonly<Record<keyof Options, string | undefined>>;

const OF_SOCKET = "pass it in webSocketOptions";

/** Advice for options of `WebSocket`, and for options of other clients that reconnect. */
const ADVICE: Readonly<Record<string, string>> = {
  closeTimeoutMs: OF_SOCKET,
  compression: OF_SOCKET,
  connectionTimeout: "pass handshakeTimeoutMs instead",
  createConnection: OF_SOCKET,
  headers: OF_SOCKET,
  maxEnqueuedMessages: "pass maxQueuedBytes instead",
  maxMessageBytes: OF_SOCKET,
  maxReconnectionDelay: "pass maxDelayMs instead",
  maxRetries: "pass decide instead",
  minReconnectionDelay: "pass initialDelayMs instead",
  reconnectionAttempts: "pass decide instead",
  reconnectionDelay: "pass initialDelayMs instead",
  reconnectionDelayMax: "pass maxDelayMs instead",
  signal: OF_SOCKET,
  tls: OF_SOCKET,
};

/**
 * Checks the names and the types of options.
 *
 * @param where the function or class that has the options
 * @throws UsageError `INVALID_OPTION`
 */
export function checkOptions<Options extends object>(
  where: string,
  options: Options,
  expected: ExpectedOptions<Options>,
): void {
  checkNames(where, options, Object.keys(expected), { advice: ADVICE });
  for (const [name, value] of Object.entries(options)) {
    const type = expected[name as keyof Options];
    if (type === undefined || value === undefined || isAs(type, value)) continue;
    throw invalidOption(where, name, value, type);
  }
}

function isAs(type: string, value: unknown): boolean {
  if (type === TIMEOUT && value === 0) return false;
  if (type === DELAY || type === TIMEOUT)
    return typeof value === "number" && value >= 0 && value <= MAX_DELAY_MS;
  if (type === BYTES) return Number.isSafeInteger(value) && (value as number) > 0;
  if (type === BOOLEAN) return typeof value === "boolean";
  if (type.startsWith(FUNCTION)) return typeof value === "function";
  return typeof (value as { setTimeout?: unknown } | null)?.setTimeout === "function";
}
