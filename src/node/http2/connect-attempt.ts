import {
  computeAcceptKey,
  HeaderFields,
  type HttpRefusal,
  readExtendedConnect,
  type WebSocketOffer,
} from "../../protocol/handshake/index.ts";
import { isKey } from "../../protocol/handshake/accept-key.ts";
import { nodePlatform } from "../environment/protocol-environment.ts";
import { NodeUpgradeAttempt } from "../requests/upgrade-attempt.ts";

/** A request of HTTP/2 for a WebSocket (RFC 8441). */
export class ConnectAttempt extends NodeUpgradeAttempt {
  readOffer(): WebSocketOffer | HttpRefusal {
    return readExtendedConnect(this);
  }

  /**
   * The `Sec-WebSocket-Accept` for the request's `Sec-WebSocket-Key`; undefined without a valid key.
   * RFC 8441 5 makes both fields unnecessary, but undici, and so the built-in WebSocket of Node,
   * requires them.
   */
  get acceptKey(): string | undefined {
    const key = new HeaderFields(this.rawHeaders).single("sec-websocket-key");
    return key !== undefined && isKey(key) ? computeAcceptKey(key, nodePlatform) : undefined;
  }
}
