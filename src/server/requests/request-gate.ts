import { type HttpRefusal, refuse } from "../../protocol/handshake/http-refusal.ts";
import { type HostCheck, WRONG_HOST } from "./host-policy.ts";

/** The part of a request's target that is checked. */
interface CheckedTarget {
  readonly host: string;
  readonly isSecure: boolean;
  readonly url: URL;
}

interface RequestGateEnvironment {
  readonly isHostAllowed: HostCheck;
  readonly pendingRequests: { readonly hasRoom: boolean };
}

/**
 * Refuses ordinary HTTP requests before a route answers them. It checks, in this order: shutdown, target,
 * host, method, `maxPendingRequests`. `UpgradeGate` decides on requests for WebSockets.
 */
export class RequestGate {
  readonly #environment: RequestGateEnvironment;
  /** The answer to new requests during a shutdown. */
  #shutdownRefusal: HttpRefusal | undefined;

  constructor(environment: RequestGateEnvironment) {
    this.#environment = environment;
  }

  /** Whether new requests are refused because the server shuts down. */
  get isStopping(): boolean {
    return this.#shutdownRefusal !== undefined;
  }

  /** Refuses all further requests with `refusal`. */
  stop(refusal: HttpRefusal): void {
    this.#shutdownRefusal = { ...refusal, headers: { ...refusal.headers, ...CLOSING } };
  }

  /** Checks requests again, after a stop. */
  resume(): void {
    this.#shutdownRefusal = undefined;
  }

  /** Returns `target` if a route may answer the request. Otherwise, returns the refusal to send. */
  check<Target extends CheckedTarget>(
    method: string,
    target: Target | HttpRefusal,
  ): Target | HttpRefusal {
    if (this.#shutdownRefusal !== undefined) return this.#shutdownRefusal;
    if (!("url" in target)) return { ...target, headers: CLOSING };
    const { isHostAllowed, pendingRequests } = this.#environment;
    if (!isHostAllowed(target.host, target.isSecure)) return { ...WRONG_HOST, headers: CLOSING };
    if (UNSUPPORTED_METHODS.has(method)) return refuse(501, `${method} is not implemented.`);
    // The client would continue in the protocol of the other host.
    if (method === "CONNECT") return { ...CONNECT_UNKNOWN, headers: CLOSING };
    return pendingRequests.hasRoom ? target : TOO_MANY_REQUESTS;
  }
}

const CLOSING = { Connection: "close" };

/** RFC 9110 9.3.8 makes TRACE optional. `Request` of the Fetch standard does not allow these methods. */
const UNSUPPORTED_METHODS: ReadonlySet<string> = new Set(["TRACE", "TRACK"]);

/** The refusal of CONNECT, because a server is not a proxy (RFC 9110 9.3.6). */
export const CONNECT_UNKNOWN: HttpRefusal = refuse(501, "CONNECT is not implemented.");

const TOO_MANY_REQUESTS = refuse(503, "The server is too busy.", {
  headers: { "Retry-After": "10", ...CLOSING },
  option: "maxPendingRequests",
});
