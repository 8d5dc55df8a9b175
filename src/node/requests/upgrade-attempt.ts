import {
  HeaderFields,
  type HttpRefusal,
  type WebSocketOffer,
} from "../../protocol/handshake/index.ts";
import type { ClientCertificate } from "../../server/client-certificate.ts";
import type { Peer, UpgradeAttempt } from "../../server/upgrade.ts";
import { readClientCertificate } from "./client-certificate.ts";
import type { RequestTarget } from "./request-target.ts";

/**
 * What is kept of a request for a WebSocket. It does not hold on to the object that Node has for a
 * request, which is many times as large, because a handler may keep its context for as long as the
 * socket is open.
 */
export abstract class NodeUpgradeAttempt implements UpgradeAttempt {
  /** name, value, name, value..., as `node:http` and `node:http2` have them. */
  readonly rawHeaders: readonly string[];
  readonly host: string;
  readonly isSecure: boolean;
  readonly pathname: string;
  readonly #href: string;
  readonly peer: Peer;
  readonly connection: Peer;
  onAborted: (() => void) | undefined;
  #certificate: ClientCertificate | undefined;
  #request: Request | undefined;
  #abortController: AbortController | undefined;
  #isAborted = false;

  constructor(rawHeaders: readonly string[], peer: Peer, target: RequestTarget) {
    const { host, isSecure, url, forwardedAddress } = target;
    this.rawHeaders = rawHeaders;
    this.host = host;
    this.isSecure = isSecure;
    this.pathname = url.pathname;
    this.#href = url.href;
    this.connection = peer;
    this.peer = forwardedAddress === undefined ? peer : { remoteAddress: forwardedAddress };
  }

  get origins(): readonly string[] {
    return new HeaderFields(this.rawHeaders).all("origin");
  }

  get url(): URL {
    return new URL(this.#href);
  }

  /** Asked of the kernel when it is first read. */
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

  abstract readOffer(): WebSocketOffer | HttpRefusal;

  /** The peer has gone: aborts the request's signal. */
  abort(): void {
    if (this.#isAborted) return;
    this.#isAborted = true;
    this.onAborted?.();
    this.#abortController?.abort();
  }

  #makeRequest(): Request {
    this.#abortController = new AbortController();
    if (this.#isAborted) this.#abortController.abort();
    return new Request(this.#href, {
      headers: toHeaders(this.rawHeaders),
      signal: this.#abortController.signal,
    });
  }
}

function toHeaders(rawHeaders: readonly string[]): Headers {
  const headers = new Headers();
  for (let i = 0; i < rawHeaders.length; i += 2) {
    // The pseudo-header fields of HTTP/2 are no fields of the request (RFC 9113 8.3).
    if (!rawHeaders[i].startsWith(":")) headers.append(rawHeaders[i], rawHeaders[i + 1]);
  }
  return headers;
}
