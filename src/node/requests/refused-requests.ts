import { HeaderFields, type HttpRefusal, refuse } from "../../protocol/handshake/index.ts";
import type {
  RefusalReport,
  RefusalReporter,
  RefusedPeer,
} from "../../server/reports/refusal-reporter.ts";
import type { Peer } from "../../server/requests/upgrade-attempt.ts";
import type { ForwardedClient, ProxiedTargets } from "./proxied-targets.ts";
import type { RequestTarget } from "./request-target.ts";

/** A refused request of any HTTP version, or a connection with bytes that are not HTTP. */
export interface RefusedRequest {
  /** name, value, name, value...; empty for bytes that are not HTTP. */
  readonly rawHeaders: readonly string[];
  readonly socket: Peer;
  /** The target, or the reason why it is not valid; undefined for bytes that are not HTTP. */
  readonly target: RequestTarget | HttpRefusal | undefined;
}

/** Reports the refused requests of one server to `onRefused`. */
export class RefusedRequests {
  readonly #reporter: RefusalReporter;
  readonly #targets: ProxiedTargets;

  constructor(reporter: RefusalReporter, targets: ProxiedTargets) {
    this.#reporter = reporter;
    this.#targets = targets;
  }

  /**
   * Reports a refusal. Call it once, when the response is sent. The `UpgradeGate` reports its own
   * refusals.
   */
  report(what: RefusalReport["what"], refusal: HttpRefusal, request: RefusedRequest): void {
    this.#reporter.reportResponse(what, refusal, new RequestPeer(request, this.#targets));
  }

  /** Reports the refusal of a handshake that the `UpgradeGate` had not yet decided. */
  reportPending(refusal: HttpRefusal, attempt: RefusedPeer): void {
    this.#reporter.reportResponse("handshake", refusal, attempt);
  }
}

/** Creates the response to new requests during a shutdown, which takes at most `timeoutMs`. */
export function shutdownRefusal(timeoutMs: number): HttpRefusal {
  const headers = { "Retry-After": String(Math.ceil(timeoutMs / 1000)) };
  return refuse(503, "The server is going away.", { headers });
}

/** The client of a refused request. It reads the request head only if the refusal is reported. */
class RequestPeer implements RefusedPeer {
  readonly #request: RefusedRequest;
  readonly #targets: ProxiedTargets;

  constructor(request: RefusedRequest, targets: ProxiedTargets) {
    this.#request = request;
    this.#targets = targets;
  }

  get origins(): readonly string[] {
    return this.#fields.all("origin");
  }

  /** From `:authority` in HTTP/2, from `Host` in HTTP/1.1. */
  get host(): string {
    const { host } = this.#client;
    if (host !== undefined) return host;
    return [...this.#fields.all(":authority"), ...this.#fields.all("host")][0] ?? "";
  }

  get remoteAddress(): string {
    return this.#client.forwardedAddress ?? this.#request.socket.remoteAddress ?? "";
  }

  get pathname(): string | undefined {
    const { target } = this.#request;
    return target !== undefined && "url" in target ? target.url.pathname : undefined;
  }

  get #fields(): HeaderFields {
    return new HeaderFields(this.#request.rawHeaders);
  }

  get #client(): ForwardedClient {
    const { rawHeaders, socket, target } = this.#request;
    if (target === undefined) return {};
    return "url" in target ? target : this.#targets.clientOf(rawHeaders, socket);
  }
}
