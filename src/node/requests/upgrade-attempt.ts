import {
  HeaderFields,
  type HttpRefusal,
  type UpgradeOffer,
} from "../../protocol/handshake/index.ts";
import type { ClientCertificate } from "../../server/requests/client-certificate.ts";
import type { Peer, UpgradeAttempt } from "../../server/requests/upgrade-attempt.ts";
import { readClientCertificate } from "./client-certificate.ts";
import { joinFields } from "./join-fields.ts";
import type { RequestTarget } from "./request-target.ts";

/** A request for a WebSocket, as the code for its HTTP version has read it. */
export interface UpgradeRequest {
  /** name, value, name, value..., as `node:http` and `node:http2` provide them. */
  readonly rawHeaders: readonly string[];
  /** The connection of the request. */
  readonly peer: Peer;
  /** The offer of the opening handshake, or the reason why it is not valid. */
  readonly offer: UpgradeOffer | HttpRefusal;
}

/**
 * A request for a WebSocket, for the `UpgradeGate`. A handler may keep its context as long as the socket is
 * open. Therefore, this class does not refer to the request object of Node.js, which is many times as large.
 */
export class NodeUpgradeAttempt implements UpgradeAttempt {
  readonly host: string;
  readonly isSecure: boolean;
  readonly pathname: string;
  readonly peer: Peer;
  readonly connection: Peer;
  onAborted: (() => void) | undefined;
  readonly #rawHeaders: readonly string[];
  readonly #offer: UpgradeOffer | HttpRefusal;
  readonly #href: string;
  #certificate: ClientCertificate | undefined;
  #request: Request | undefined;
  #abortController: AbortController | undefined;
  #isAborted = false;

  constructor({ rawHeaders, peer, offer }: UpgradeRequest, target: RequestTarget) {
    const { host, isSecure, url, forwardedAddress } = target;
    this.host = host;
    this.isSecure = isSecure;
    this.pathname = url.pathname;
    this.connection = peer;
    this.peer = forwardedAddress === undefined ? peer : { remoteAddress: forwardedAddress };
    this.#rawHeaders = rawHeaders;
    this.#offer = offer;
    this.#href = url.href;
  }

  get origins(): readonly string[] {
    return new HeaderFields(this.#rawHeaders).all("origin");
  }

  get url(): URL {
    return new URL(this.#href);
  }

  /** Reading it asks the kernel for the address. */
  get remoteAddress(): string {
    return this.peer.remoteAddress ?? "";
  }

  get request(): Request {
    this.#request ??= this.#makeRequest();
    return this.#request;
  }

  get isAborted(): boolean {
    return this.#isAborted;
  }

  get clientCertificate(): ClientCertificate | undefined {
    this.#certificate ??= readClientCertificate(this.connection);
    return this.#certificate;
  }

  /** The `Sec-WebSocket-Key`; empty if the handshake has no valid one. */
  get key(): string {
    return this.#offer.kind === "upgrade" ? this.#offer.key : "";
  }

  readOffer(): UpgradeOffer | HttpRefusal {
    return this.#offer;
  }

  /** Aborts the request's signal. Call it when the client disconnects or is refused; in Bun, both can happen. */
  abort(): void {
    if (this.#isAborted) return;
    this.#isAborted = true;
    this.onAborted?.();
    this.#abortController?.abort();
  }

  #makeRequest(): Request {
    this.#abortController = new AbortController();
    return new Request(this.#href, {
      headers: joinFields(this.#rawHeaders),
      signal: this.#abortController.signal,
    });
  }
}
