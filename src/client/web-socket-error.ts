import { CloseCode } from "../errors/close-code.ts";
import type { CloseInfo } from "../connection/connection.ts";
import { toUSVString } from "./close-event.ts";
import { exposeInterface } from "./web-idl.ts";
import { checkCloseArguments } from "./web-socket-arguments.ts";

/** A close code and reason that a `WebSocketStream` sends or has received. */
export interface WebSocketCloseInfo {
  /** 1000 or 3000-4999. Default: none, or 1000 if there is a reason. */
  readonly closeCode?: number | undefined;
  /** At most 123 bytes of UTF-8. Default: the empty string. */
  readonly reason?: string | undefined;
}

/** Creates the error of a connection that failed or ended uncleanly, with any close code. */
export let connectionError: (
  message: string,
  info: Pick<CloseInfo, "code" | "reason" | "error">,
) => WebSocketError;

/**
 * The error with which a `WebSocketStream` failed (WHATWG WebSockets, pull request 48). To choose the code
 * and reason of the Close frame, pass one to `writable.abort` or `readable.cancel`.
 */
export class WebSocketError extends DOMException {
  #closeCode: number | null;
  #reason: string;
  /** The error that failed the connection. An extension of the standard. */
  declare readonly cause?: unknown;

  /**
   * @throws DOMException InvalidAccessError for a code that must not be sent, SyntaxError for a reason that
   *   is too long
   */
  constructor(message = "", init: WebSocketCloseInfo = {}) {
    super(message, "WebSocketError");
    // In some releases of Node.js, `super` creates a plain DOMException instead of an instance of this class.
    Object.setPrototypeOf(this, new.target.prototype);
    const { code, reason } = readCloseInfo(init);
    this.#closeCode = code ?? null;
    this.#reason = reason;
  }

  /** The close code; 1006 if the connection was lost; `null` if the constructor got none. */
  get closeCode(): number | null {
    return this.#closeCode;
  }

  /** The close reason, or the empty string. */
  get reason(): string {
    return this.#reason;
  }

  static {
    exposeInterface(this, {}, "WebSocketError");
    connectionError = (message, { code, reason, error }) => {
      const result = new WebSocketError(message);
      result.#closeCode = code;
      result.#reason = reason;
      if (error !== undefined) {
        Object.defineProperty(result, "cause", { value: error, configurable: true });
      }
      return result;
    };
  }
}

/** The contents of a Close frame. */
export interface CloseArguments {
  readonly code: number | undefined;
  readonly reason: string;
}

/**
 * Web IDL's conversion to `WebSocketCloseInfo`, and "validate close code and reason".
 *
 * @throws TypeError if `info` is not such a dictionary, DOMException for values that must not be sent
 */
export function readCloseInfo(info: unknown): CloseArguments {
  const { closeCode, reason = "" } = toDictionary<WebSocketCloseInfo>(info);
  const code = closeCode === undefined ? undefined : enforceUnsignedShort(closeCode);
  const text = toUSVString(reason);
  checkCloseArguments(code, new Blob([text]).size);
  return { code: code ?? (text === "" ? undefined : CloseCode.Normal), reason: text };
}

/** Web IDL's conversion to a dictionary. @throws TypeError */
export function toDictionary<Dictionary extends object>(value: unknown): Partial<Dictionary> {
  if (value === undefined || value === null) return {};
  if (Object(value) !== value) throw new TypeError("the options must be an object");
  return value;
}

/** Web IDL's [EnforceRange] unsigned short. @throws TypeError */
function enforceUnsignedShort(value: unknown): number {
  const number = Math.trunc(Number(value));
  if (!(number >= 0 && number <= 0xffff)) {
    throw new TypeError(`the close code is ${number}; it must be a number from 0 to 65535`);
  }
  return number;
}
