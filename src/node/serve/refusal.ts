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

/** A request of either version of HTTP, or the connection that something else came by. */
export interface RefusedRequest {
  /** name, value, name, value...; absent for bytes that are not HTTP. */
  readonly rawHeaders?: readonly string[];
  readonly socket: Peer;
  /** What the request is for, as trusted proxies tell it; absent for bytes that are not HTTP. */
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
 * Tells `onRefused` of a refusal that is sent without asking the `UpgradeGate`, which reports its own.
 * Call it once, where the answer is sent:
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

/** Does the same for a handshake that the `UpgradeGate` was asked about and had not decided on. */
export function reportUndecided(
  refusals: RefusalReporter,
  { status, message: reason, option }: Refusal,
  attempt: RefusedPeer,
): void {
  refusals.report({ what: "handshake", status, reason, option }, attempt);
}

/** Reads the head only if the refusal is reported. */
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

  /** HTTP/2 has it in `:authority`, HTTP/1.1 in `Host`. */
  get host(): string {
    if (this.#target?.host !== undefined) return this.#target.host;
    return [...this.#fields.all(":authority"), ...this.#fields.all("host")][0] ?? "";
  }

  get remoteAddress(): string {
    return this.#target?.forwardedAddress ?? this.#socket.remoteAddress ?? "";
  }
}
