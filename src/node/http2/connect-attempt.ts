import {
  readExtendedConnect,
  type UpgradeRefusal,
  type WebSocketOffer,
} from "../../protocol/handshake/index.ts";
import { NodeUpgradeAttempt } from "../serve/upgrade-attempt.ts";

/** A request of HTTP/2 for a WebSocket (RFC 8441). */
export class ConnectAttempt extends NodeUpgradeAttempt {
  readOffer(): WebSocketOffer | UpgradeRefusal {
    return readExtendedConnect(this);
  }
}
