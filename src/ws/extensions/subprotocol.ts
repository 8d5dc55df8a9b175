import { HeaderScanner } from "./header-scanner.ts";

/**
 * Reads the value of a `Sec-WebSocket-Protocol` header: a list of different tokens (RFC 6455 4.1).
 *
 * @throws SyntaxError
 */
export function parse(header: string): Set<string> {
  const protocols = new Set<string>();
  const scanner = new HeaderScanner(header);
  do {
    const protocol = scanner.takeToken();
    if (protocols.has(protocol)) {
      throw new SyntaxError(`The "${protocol}" subprotocol is duplicated`);
    }
    protocols.add(protocol);
  } while (scanner.takeComma());
  return protocols;
}
