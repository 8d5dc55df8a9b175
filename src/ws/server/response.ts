import { UsageError } from "../../errors/index.ts";
import { nodeProtocolEnvironment } from "../../node/environment/protocol-environment.ts";
import { computeAcceptKey } from "../../protocol/handshake/accept-key.ts";
import { isToken } from "../../protocol/handshake/header-fields.ts";

/**
 * Returns the lines of the response that accepts a handshake (RFC 6455 4.2.2), which listeners of the event `headers`
 * may change.
 */
export function responseLines(key: string, protocol: string, extensions: string): string[] {
  const lines = [
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Accept: ${computeAcceptKey(key, nodeProtocolEnvironment)}`,
  ];
  if (protocol !== "") lines.push(`Sec-WebSocket-Protocol: ${protocol}`);
  if (extensions !== "") lines.push(`Sec-WebSocket-Extensions: ${extensions}`);
  return lines;
}

/** A control character other than a tab. All other characters are allowed, and sent in UTF-8. */
const CONTROL = /[^\P{Cc}\t]/u;

/**
 * Joins the lines into the head of the response.
 *
 * @throws UsageError `INVALID_HEADER` if a listener has added a line that could end the response early or
 *   contain several fields
 */
export function joinLines(lines: readonly string[]): string {
  for (const line of lines) {
    if (typeof line === "string" && line !== "" && !CONTROL.test(line)) continue;
    throw new UsageError(
      "INVALID_HEADER",
      "a line of the response is empty or contains a control character; listeners of the `headers` event must add one line for each field",
    );
  }
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/** @throws UsageError `INVALID_SUBPROTOCOL` unless `handleProtocols` has returned a token or a falsy value */
export function checkSubprotocol(protocol: unknown): string {
  if (!protocol) return "";
  if (typeof protocol === "string" && isToken(protocol)) return protocol;
  throw new UsageError(
    "INVALID_SUBPROTOCOL",
    "handleProtocols must return false or one of the offered subprotocols",
  );
}
