import { isToken } from "../../protocol/handshake/index.ts";

/**
 * Checks the subprotocols that a client offers (RFC 6455 4.1, item 10).
 *
 * @throws SyntaxError if one is not a token, or is offered twice
 */
export function checkSubprotocols(protocols: readonly unknown[]): readonly string[] {
  const offered = new Set<string>();
  for (const protocol of protocols) {
    if (typeof protocol !== "string" || !isToken(protocol) || offered.has(protocol)) {
      throw new SyntaxError("An invalid or duplicated subprotocol was specified");
    }
    offered.add(protocol);
  }
  return [...offered];
}
