import type { IncomingMessage } from "node:http";
import {
  readUpgradeRequest,
  type UpgradeOutcome,
  type UpgradeRequest,
} from "../../protocol/handshake/index.ts";
import type { RequestTarget } from "../serve/request-target.ts";
import { NodeUpgradeAttempt } from "../serve/upgrade-attempt.ts";

/** A request of HTTP/1.1 for a WebSocket. */
export class HttpUpgradeAttempt extends NodeUpgradeAttempt implements UpgradeRequest {
  readonly method: string;
  readonly httpVersionMajor: number;
  readonly httpVersionMinor: number;

  constructor(request: IncomingMessage, target: RequestTarget) {
    super(request.rawHeaders, request.socket, target);
    this.method = request.method ?? "";
    this.httpVersionMajor = request.httpVersionMajor;
    this.httpVersionMinor = request.httpVersionMinor;
  }

  readOffer(): UpgradeOutcome {
    return readUpgradeRequest(this);
  }
}
