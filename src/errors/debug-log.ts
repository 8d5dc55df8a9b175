import { TidewayError, UsageError } from "./index.ts";
import { quote } from "./quote.ts";

/**
 * Writes lines that show a developer what this package does. Each runtime provides its own log. The lines
 * contain no payloads, no credentials, and no query strings.
 *
 * ```ts
 * if (log.isEnabled) log.write(() => `connection ${log.idOf("connection", connection)} closed`);
 * ```
 */
export interface DebugLog {
  /**
   * Whether lines are written. It never changes. Check it before you call `write`, so that nothing is
   * allocated when it is false.
   */
  readonly isEnabled: boolean;
  /** Writes the line that `format` returns. Never throws, even if `format` throws. */
  write(format: () => string): void;
  /** Returns the number that identifies `thing` in lines: 1 for the first thing of its `kind`. */
  idOf(kind: "connection" | "server" | "client", thing: object): number;
}

/** Writes nothing. */
export const NO_DEBUG_LOG: DebugLog = {
  isEnabled: false,
  write() {},
  idOf: () => 0,
};

/** The maximum number of characters in a line. A certificate or an error can contain much more text. */
const MAX_LINE_CHARS = 4096;

/** Makes a log that passes each line to `print`, shortened to 4,096 characters and with unsafe characters escaped. */
export function createDebugLog(print: (line: string) => void): DebugLog {
  const ids = new WeakMap<object, number>();
  const counts = { connection: 0, server: 0, client: 0 };
  return {
    isEnabled: true,
    write(format) {
      try {
        // Shortened before escaping, because escaping a long line is slow, and again afterwards, because
        // escaping adds characters.
        print(shorten(escapeUnsafe(shorten(format()))));
      } catch {
        // An application's error may have getters that throw, and printing to a closed stderr may throw.
      }
    },
    idOf(kind, thing) {
      const known = ids.get(thing);
      if (known !== undefined) return known;
      ids.set(thing, ++counts[kind]);
      return counts[kind];
    },
  };
}

/**
 * Describes an error by its name and code. The message is added only if it cannot contain secrets or
 * payloads. The messages of other code may contain any text, and errors of this package repeat the message of
 * their cause. In this package, a `UsageError` quotes values of the caller, some errors quote offered
 * subprotocols, which may contain a token, and errors of schemas quote messages.
 */
export function describeError(error: unknown, maxCauses = 3): string {
  if (!(error instanceof Error)) return `a thrown value of type ${typeof error}`;
  const { code } = error as { readonly code?: unknown };
  const hasCause = error.cause !== undefined && maxCauses > 0;
  const cause = hasCause ? ` (cause: ${describeError(error.cause, maxCauses - 1)})` : "";
  if (error instanceof TidewayError) {
    return `${error.code}${isPrivate(error) ? "" : `: ${error.message}`}${cause}`;
  }
  return `${error.name}${typeof code === "string" ? ` ${code}` : ""}${cause}`;
}

const PRIVATE_CODES = ["INVALID_SUBPROTOCOL", "MISSING_SUBPROTOCOL", "INVALID_MESSAGE"];

function isPrivate(error: TidewayError): boolean {
  const { code, cause } = error;
  if (error instanceof UsageError || PRIVATE_CODES.includes(code)) return true;
  return cause !== undefined && !(cause instanceof TidewayError) && !isSystemError(cause);
}

/**
 * Whether an error comes from the system or from TLS, and not from code that may quote a URL or a command.
 */
function isSystemError(error: unknown): boolean {
  return error instanceof Error && "code" in error && typeof error.code === "string";
}

/**
 * Describes the subprotocol of a connection by its position in the client's offer, because its name may
 * contain a token.
 */
export function describeSubprotocol(name: string, offered: readonly string[]): string {
  return name === "" ? "none" : `${offered.indexOf(name) + 1} of ${offered.length} offered`;
}

/** Describes a close by its code, and its reason if it has one. */
export function describeClose(code: number, reason: string): string {
  return reason === "" ? String(code) : `${code} ${quote(reason)}`;
}

function shorten(line: string): string {
  return line.length <= MAX_LINE_CHARS ? line : `${line.slice(0, MAX_LINE_CHARS - 3)}...`;
}

/** Characters that could forge a line, control a terminal, or reorder text. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

function escapeUnsafe(line: string): string {
  return line.replace(UNSAFE, (char) => `\\u{${char.codePointAt(0)!.toString(16)}}`);
}

/** Whether a value of `NODE_DEBUG` enables the debug log. In Bun, `debuglog` does not report this. */
export function enablesDebugLog(sections = ""): boolean {
  return /(?:^|,)\s*(?:tideway|\*)\s*(?:,|$)/i.test(sections);
}
