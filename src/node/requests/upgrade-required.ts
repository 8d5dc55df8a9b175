import type { HttpRefusal } from "../../protocol/handshake/index.ts";

/** Proxies forward the key, but forward hop-by-hop fields only if they are configured to. */
const UPGRADE_LOST =
  "This path accepts only WebSocket handshakes. The request has Sec-WebSocket-Key but not Upgrade: websocket and " +
  "Connection: Upgrade; if a proxy removed them, configure it to forward them.";

/**
 * Returns the refusal of an HTTP/1.1 request to a `ws:` route that does not ask for an upgrade.
 *
 * @param miss the refusal for any HTTP version (426)
 * @param hasKey whether the request has a `Sec-WebSocket-Key`
 */
export function upgradeRequired(miss: HttpRefusal, hasKey: boolean): HttpRefusal {
  return {
    ...miss,
    // The response to a refused opening handshake closes the connection.
    headers: { ...miss.headers, Connection: "close, Upgrade" },
    ...(hasKey && { message: UPGRADE_LOST }),
  };
}
