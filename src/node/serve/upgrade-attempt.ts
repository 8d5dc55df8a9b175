import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { readUpgradeRequest, type UpgradeOutcome } from "../../protocol/handshake/index.ts";
import type { UpgradeAttempt } from "../../server/upgrade.ts";
import type { RequestTarget } from "./request-target.ts";

/**
 * What is kept of a request for a WebSocket. It does not hold on to the `IncomingMessage`, which is
 * many times as large, because a handler may keep its context for as long as the socket is open.
 */
export class NodeUpgradeAttempt implements UpgradeAttempt {
  readonly method: string;
  readonly httpVersionMajor: number;
  readonly httpVersionMinor: number;
  readonly rawHeaders: readonly string[];
  readonly host: string;
  readonly isSecure: boolean;
  readonly pathname: string;
  readonly #href: string;
  readonly #socket: Socket;
  #request: Request | undefined;
  #abortController: AbortController | undefined;
  #isAborted = false;

  constructor(request: IncomingMessage, { host, isSecure, url }: RequestTarget) {
    this.method = request.method ?? "";
    this.httpVersionMajor = request.httpVersionMajor;
    this.httpVersionMinor = request.httpVersionMinor;
    this.rawHeaders = request.rawHeaders;
    this.host = host;
    this.isSecure = isSecure;
    this.pathname = url.pathname;
    this.#href = url.href;
    this.#socket = request.socket;
  }

  get url(): URL {
    return new URL(this.#href);
  }

  /** Asked of the kernel when it is first read. */
  get remoteAddress(): string {
    return this.#socket.remoteAddress ?? "";
  }

  get request(): Request {
    this.#request ??= this.#makeRequest();
    return this.#request;
  }

  readOffer(): UpgradeOutcome {
    return readUpgradeRequest(this);
  }

  /** The peer has gone: aborts the request's signal. */
  abort(): void {
    this.#isAborted = true;
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
  for (let i = 0; i < rawHeaders.length; i += 2) headers.append(rawHeaders[i], rawHeaders[i + 1]);
  return headers;
}
