import { HeaderFields } from "../../protocol/handshake/index.ts";
import type { RefusalReport, RefusalReporter, RefusedPeer } from "../../server/refusals.ts";
import type { Peer } from "../../server/upgrade.ts";
import type { RequestTarget, TargetRefusal } from "./request-target.ts";

/** A plain answer where there is nothing else to give. */
export interface Refusal {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly message: string;
  /** The name of the option that decides this, for `onRefused`. */
  readonly option?: string;
}

/** A request of either version of HTTP, or a connection with bytes that are not HTTP. */
export interface RefusedRequest {
  /** name, value, name, value...; absent for bytes that are not HTTP. */
  readonly rawHeaders?: readonly string[];
  readonly socket: Peer;
  /** The target, with the fields of trusted proxies applied; absent for bytes that are not HTTP. */
  readonly target?: RequestTarget | TargetRefusal;
}

/** For those who come while the server stops, which takes at most `timeoutMs`. */
export function goingAway(timeoutMs: number): Refusal {
  return {
    status: 503,
    headers: { "Retry-After": String(Math.ceil(timeoutMs / 1000)) },
    message: "The server is going away.",
  };
}

/**
 * Reports a refusal to `onRefused`. The `UpgradeGate` reports its own; call this for all others, once,
 * where the response is sent:
 *
 * ```ts
 * reportRefusal(application.refusals, "request", { status: 503, message, option }, { rawHeaders, socket, target });
 * ```
 */
export function reportRefusal(
  refusals: RefusalReporter,
  what: RefusalReport["what"],
  { status, message: reason, option }: Refusal,
  request: RefusedRequest,
): void {
  refusals.report({ what, status, reason, option }, new RequestPeer(request));
}

/** Reports the refusal of a handshake that the `UpgradeGate` had not yet decided. */
export function reportPendingHandshake(
  refusals: RefusalReporter,
  { status, message: reason, option }: Refusal,
  attempt: RefusedPeer,
): void {
  refusals.report({ what: "handshake", status, reason, option }, attempt);
}

/** The refused client, from a request head that is read only if the refusal is reported. */
class RequestPeer implements RefusedPeer {
  readonly #fields: HeaderFields;
  readonly #socket: Peer;
  readonly #target: RequestTarget | TargetRefusal | undefined;

  constructor({ rawHeaders = [], socket, target }: RefusedRequest) {
    this.#fields = new HeaderFields(rawHeaders);
    this.#socket = socket;
    this.#target = target;
  }

  get origins(): readonly string[] {
    return this.#fields.all("origin");
  }

  /** From `:authority` in HTTP/2, from `Host` in HTTP/1.1. */
  get host(): string {
    if (this.#target?.host !== undefined) return this.#target.host;
    return [...this.#fields.all(":authority"), ...this.#fields.all("host")][0] ?? "";
  }

  get remoteAddress(): string {
    return this.#target?.forwardedAddress ?? this.#socket.remoteAddress ?? "";
  }
}
