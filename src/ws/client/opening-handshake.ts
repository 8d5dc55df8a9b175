import type { ClientRequest, IncomingMessage, OutgoingHttpHeaders } from "node:http";
import http from "node:http";
import https from "node:https";
import type { Duplex } from "node:stream";
import { nodeProtocolEnvironment } from "../../node/environment/protocol-environment.ts";
import {
  computeAcceptKey,
  type ExtensionOffer,
  generateKey,
} from "../../protocol/handshake/index.ts";
import type { SocketOptions } from "../socket/socket-options.ts";
import { type Address, credentialsOf, readAddress, resolveRedirect } from "./address.ts";
import { readResponse } from "./response.ts";
import { type Credentials, redirectCredentials, withUserInfo } from "./credentials.ts";
import { offerDeflate } from "./deflate.ts";
import { handshakeError } from "./handshake-error.ts";
import type { ForwardedOptions, HandshakeOptions } from "./handshake-options.ts";
import { upgradeRequestOptions } from "./request-options.ts";
import { checkSubprotocols } from "./subprotocols.ts";

/** The WebSocket of an opening handshake. */
export interface HandshakeOwner {
  emit(event: string, ...values: unknown[]): boolean;
  listenerCount(event: string): number;
  /** Opens the WebSocket over the socket of a successful handshake. */
  setSocket(socket: Duplex, head: Buffer, options: SocketOptions): void;
  /** Ends the handshake with an error. */
  failHandshake(error: Error): void;
}

/**
 * The opening handshake of a client (RFC 6455 4.1) with `http.request`, so that agents, proxies and
 * instrumentation of Node.js work. At its end, it calls `setSocket` or `failHandshake` of its WebSocket.
 */
export class OpeningHandshake<Owner extends HandshakeOwner> {
  readonly #webSocket: Owner;
  readonly #options: HandshakeOptions<Owner>;
  readonly #protocols: readonly string[];
  readonly #extensions: readonly ExtensionOffer[];
  /** The address that the application named. */
  readonly #first: Address;
  #address: Address;
  #credentials: Credentials;
  #request: ClientRequest | null = null;
  #acceptKey = "";
  #redirects = 0;
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;

  /**
   * Checks the address and the subprotocols.
   *
   * @throws SyntaxError if the address or a subprotocol is invalid
   */
  constructor(
    webSocket: Owner,
    address: string | URL,
    protocols: readonly unknown[],
    options: HandshakeOptions<Owner>,
  ) {
    this.#webSocket = webSocket;
    this.#options = options;
    this.#first = readAddress(address);
    this.#address = this.#first;
    this.#protocols = checkSubprotocols(protocols);
    const { perMessageDeflate, forwarded } = options;
    this.#extensions = perMessageDeflate === undefined ? [] : [offerDeflate(perMessageDeflate)];
    this.#credentials = readCredentials(forwarded, this.#first);
  }

  /** The URL of the latest request. */
  get url(): string {
    return this.#address.url.href;
  }

  /** The latest request; null before the first one, and after the handshake. */
  get request(): ClientRequest | null {
    return this.#request;
  }

  /** The number of redirects so far. */
  get redirects(): number {
    return this.#redirects;
  }

  /**
   * Sends the first request.
   *
   * @throws what `http.request` or `finishRequest` throws
   */
  start(): void {
    try {
      this.#createRequest();
      this.#sendRequest();
    } catch (error) {
      this.#end();
      throw error;
    }
  }

  /** Ends the handshake with `error`, unless it is over. */
  abort(error: Error): void {
    if (this.#isOver) return;
    this.#end();
    this.#webSocket.failHandshake(error);
  }

  #createRequest(): void {
    const key = generateKey(nodeProtocolEnvironment);
    this.#acceptKey = computeAcceptKey(key, nodeProtocolEnvironment);
    const { request } = this.#address.isSecure ? https : http;
    this.#request = request(
      upgradeRequestOptions(this.#options.forwarded, {
        address: this.#address,
        credentials: this.#credentials,
        key,
        protocols: this.#protocols,
        extensions: this.#extensions,
        protocolVersion: this.#options.protocolVersion,
      }),
    );
    this.#request.on("error", this.#onError);
    this.#request.on("response", this.#onResponse);
    this.#request.on("upgrade", this.#onUpgrade);
    this.#startTimer();
  }

  #sendRequest(): void {
    const { finishRequest } = this.#options;
    if (finishRequest === undefined) this.#request?.end();
    else finishRequest(this.#request!, this.#webSocket);
  }

  #startTimer(): void {
    const { handshakeTimeout } = this.#options;
    clearTimeout(this.#timer);
    if (handshakeTimeout === undefined) return;
    this.#timer = setTimeout(() => {
      this.abort(handshakeError("HANDSHAKE_TIMEOUT", "Opening handshake has timed out"));
    }, handshakeTimeout);
  }

  readonly #onError = (error: Error): void => {
    this.abort(error);
  };

  readonly #onResponse = (response: IncomingMessage): void => {
    const { statusCode = 0, headers } = response;
    const isRedirect = statusCode >= 300 && statusCode < 400 && Boolean(headers.location);
    if (isRedirect && this.#options.followRedirects) {
      this.#redirect(headers.location!);
      return;
    }
    const request = this.#request!;
    response.once("close", () => {
      clearTimeout(this.#timer);
      this.#dropSocket(request);
    });
    if (this.#webSocket.emit("unexpected-response", request, response)) return;
    const error = handshakeError("UNEXPECTED_STATUS", `Unexpected server response: ${statusCode}`);
    this.abort(Object.assign(error, { statusCode }));
  };

  readonly #onUpgrade = (response: IncomingMessage, socket: Duplex, head: Buffer): void => {
    this.#webSocket.emit("upgrade", response);
    if (this.#isOver) {
      // A listener has closed the WebSocket.
      socket.destroy();
      return;
    }
    const result = readResponse(response, {
      acceptKey: this.#acceptKey,
      protocols: this.#protocols,
      extensions: this.#extensions,
      perMessageDeflate: this.#options.perMessageDeflate,
    });
    if (result instanceof Error) {
      socket.on("error", ignore).destroy();
      this.abort(result);
      return;
    }
    this.#detach();
    this.#isOver = true;
    this.#request = null;
    this.#webSocket.setSocket(socket, head, {
      ...this.#options.forwarded,
      ...result,
    });
  };

  #redirect(location: string): void {
    this.#redirects++;
    if (this.#redirects > this.#options.maxRedirects) {
      this.abort(handshakeError("TOO_MANY_REDIRECTS", "Maximum redirects exceeded"));
      return;
    }
    try {
      this.#followTo(resolveRedirect(location, this.#address));
    } catch (error) {
      // A response must not cause an exception, so this is an `error` event.
      this.abort(error as Error);
    }
  }

  #followTo(address: Address): void {
    this.#dropRequest();
    // If the application listens to `redirect`, it decides itself which headers to remove.
    this.#credentials =
      this.#webSocket.listenerCount("redirect") > 0
        ? withUserInfo(this.#credentials, address)
        : redirectCredentials(this.#credentials, this.#first, address);
    this.#address = address;
    this.#createRequest();
    this.#webSocket.emit("redirect", this.url, this.#request);
    if (!this.#isOver) this.#sendRequest();
  }

  #end(): void {
    this.#isOver = true;
    this.#dropRequest();
  }

  #dropRequest(): void {
    this.#detach();
    const request = this.#request;
    if (request === null) return;
    request.destroy();
    this.#dropSocket(request);
  }

  /** Closes the socket. After a complete response, Node.js would keep it open for another request. */
  #dropSocket(request: ClientRequest): void {
    // An agent reuses or closes its sockets itself.
    if (!this.#options.forwarded.agent) request.socket?.destroy();
  }

  #detach(): void {
    clearTimeout(this.#timer);
    const request = this.#request;
    if (request === null) return;
    request.off("response", this.#onResponse);
    request.off("upgrade", this.#onUpgrade);
    request.off("error", this.#onError);
    // Destroying a request may emit an error. Without a listener, it would end the process.
    request.on("error", ignore);
  }
}

function ignore(): void {}

function readCredentials(options: ForwardedOptions, address: Address): Credentials {
  return {
    headers: readHeaders(options),
    auth: credentialsOf(address) ?? options.auth ?? undefined,
    socketPath: options.socketPath,
  };
}

function readHeaders({ headers }: ForwardedOptions): OutgoingHttpHeaders {
  if (!headers) return {};
  if (!(Symbol.iterator in headers)) return { ...headers };
  return Object.fromEntries(headers as Iterable<[string, string]>);
}
