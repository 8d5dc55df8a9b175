import { CloseCode } from "../errors/close-code.ts";
import { MAX_CLOSE_REASON_BYTES } from "../protocol/close-code.ts";
import { isToken } from "../protocol/handshake/index.ts";
import { toUSVString } from "./close-event.ts";
import { isOptions, mergeArguments } from "./options-argument.ts";
import { checkOptionNames, type WebSocketOptions } from "./options.ts";
import { tryParseUrl } from "./try-parse-url.ts";
import { isUnixScheme, readUnixUrl } from "./unix-url.ts";

/**
 * "Get a URL record" (WHATWG WebSockets). As an extension, it accepts `ws+unix:` and `wss+unix:`.
 *
 * @throws DOMException SyntaxError, for a fragment too
 */
export function parseUrl(url: unknown): URL {
  const input = toUSVString(url);
  const base = (globalThis as { location?: { href?: string } }).location?.href;
  const record = tryParseUrl(input, base);
  if (record?.protocol === "http:") record.protocol = "ws:";
  if (record?.protocol === "https:") record.protocol = "wss:";
  if (record?.protocol === "http+unix:") record.protocol = "ws+unix:";
  if (record?.protocol === "https+unix:") record.protocol = "wss+unix:";
  if (record !== undefined && isUnixScheme(record.protocol)) {
    if (readUnixUrl(record) === undefined) {
      throw syntaxError(
        `${JSON.stringify(input)} does not have the form ws+unix:/path/of/the.sock:/path?query`,
      );
    }
  } else if (record?.protocol !== "ws:" && record?.protocol !== "wss:") {
    throw syntaxError(
      `${JSON.stringify(input)} is not a WebSocket URL; it must start with ws://, wss://, http:// or https://`,
    );
  }
  // An empty fragment is not allowed either. Only a fragment has a "#" in the serialized URL.
  if (record.href.includes("#")) {
    throw syntaxError(`${JSON.stringify(input)} has a fragment, which a WebSocket cannot have`);
  }
  return record;
}

/**
 * Merges the second and third argument of the constructor into one object. Converts the subprotocols as Web
 * IDL requires.
 *
 * @throws UsageError
 */
export function readOptions(protocols: unknown, options: unknown): WebSocketOptions {
  const names = protocols === undefined || isOptions(protocols) ? protocols : toNames(protocols);
  // In the standard, a further argument has no effect. Only an object can contain options.
  const more = Object(options) === options ? (options as WebSocketOptions) : undefined;
  const merged = mergeArguments(names, more);
  checkOptionNames(merged);
  return merged;
}

/** Web IDL's conversion to `(DOMString or sequence<DOMString>)`. */
function toNames(protocols: unknown): string | string[] {
  const isSequence = typeof protocols === "object" && protocols !== null;
  return isSequence ? [...(protocols as Iterable<string>)] : `${protocols as string}`;
}

/** Checks the subprotocols (RFC 6455 4.1, item 10). @throws DOMException SyntaxError */
export function parseProtocols(protocols: WebSocketOptions["protocols"] = []): readonly string[] {
  const names = (typeof protocols === "string" ? [protocols] : [...protocols]).map(
    (name) => `${name}`,
  );
  const known = new Set<string>();
  for (const name of names) {
    if (!isToken(name)) {
      throw syntaxError(`the subprotocol ${JSON.stringify(name)} is not a token (RFC 6455 4.1)`);
    }
    // The web platform tests require that names which differ only in case are refused too.
    const key = name.toLowerCase();
    if (known.has(key)) throw syntaxError(`the subprotocol ${name} is offered more than once`);
    known.add(key);
  }
  return names;
}

/**
 * "Validate close code and reason" (WHATWG WebSockets).
 *
 * @throws DOMException InvalidAccessError for a code other than 1000 and 3000-4999, SyntaxError for
 *   a reason of more than 123 bytes of UTF-8
 */
export function checkCloseArguments(code: number | undefined, reasonBytes: number): void {
  if (code !== undefined && code !== CloseCode.Normal && !(code >= 3000 && code <= 4999)) {
    throw new DOMException(
      `the close code is ${code}; it must be 1000, or from 3000 to 4999`,
      "InvalidAccessError",
    );
  }
  if (reasonBytes > MAX_CLOSE_REASON_BYTES) {
    throw new DOMException(
      `a close reason of ${reasonBytes} bytes exceeds the limit of ${MAX_CLOSE_REASON_BYTES}`,
      "SyntaxError",
    );
  }
}

/** Web IDL's [Clamp] unsigned short: the nearest of 0..65535, ties to even. */
export function clampUnsignedShort(value: unknown): number {
  const number = Math.min(Math.max(Number(value), 0), 0xffff) || 0;
  const floor = Math.floor(number);
  const rest = number - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}

function syntaxError(message: string): DOMException {
  return new DOMException(message, "SyntaxError");
}
