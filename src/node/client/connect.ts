import { connect as connectTcp, isIP, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from "node:tls";
import type {
  ConnectAttempt,
  ConnectHandler,
  Connector,
  ConnectRequest,
} from "../../client/connector.ts";
import type { WheelTimer } from "../../connection/timer-wheel.ts";
import {
  HandshakeError,
  type TidewayError,
  TransportError,
  UsageError,
} from "../../errors/index.ts";
import { offerDeflate, readDeflateAnswer } from "../../protocol/deflate/index.ts";
import {
  ClientHandshake,
  serializeExtensions,
  UnexpectedStatusError,
} from "../../protocol/handshake/index.ts";
import { openConnection } from "../open-connection.ts";
import { nodePlatform } from "../platform.ts";
import { sharedReads } from "../tcp/shared-reads.ts";
import { wheel } from "../timers.ts";
import { RefusedAnswer } from "./refused-answer.ts";

/** A way to the server that is not open yet. */
export interface Dialled {
  readonly socket: Duplex;
  /** The event by which `socket` tells that bytes can flow. */
  readonly readyEvent: string;
}

/** Makes a connector out of a way to get a byte stream to a server. */
export function createConnector(dial: (request: ConnectRequest) => Dialled): Connector {
  return (request, handler) => new Attempt(request, handler, dial);
}

/** Reaches a server over TCP, and TLS for `wss:`, by this project's own opening handshake. */
export const connect: Connector = createConnector((request) =>
  request.url.protocol === "wss:"
    ? { socket: dialTls(request), readyEvent: "secureConnect" }
    : { socket: dialTcp(request.url), readyEvent: "connect" },
);

class Attempt implements ConnectAttempt {
  readonly #request: ConnectRequest;
  readonly #handler: ConnectHandler;
  readonly #handshake: ClientHandshake;
  readonly #socket: Duplex;
  readonly #timer: WheelTimer | undefined;
  /** The answer of a server that refuses the handshake, while its body is being read. */
  #refused: RefusedAnswer | undefined;

  constructor(
    request: ConnectRequest,
    handler: ConnectHandler,
    dial: (request: ConnectRequest) => Dialled,
  ) {
    const { url, protocols, options } = request;
    this.#request = request;
    this.#handler = handler;
    const headers = withCredentials(url, Object.entries(options.headers ?? {}));
    const extensions = options.compression ? [offerDeflate(options.compression)] : [];
    this.#handshake = new ClientHandshake(
      { url, protocols, extensions, headers, requireProtocol: true },
      nodePlatform,
    );
    const { socket, readyEvent } = dial(request);
    this.#socket = socket;
    socket.on(readyEvent, this.#onReady);
    socket.on("data", this.#onData);
    socket.on("error", this.#onError);
    socket.on("end", this.#onEnd);
    const { handshakeTimeoutMs } = options;
    if (handshakeTimeoutMs !== undefined) {
      this.#timer = wheel.start(handshakeTimeoutMs, () =>
        this.#fail(
          new HandshakeError(
            "HANDSHAKE_TIMEOUT",
            `no answer within handshakeTimeoutMs ${handshakeTimeoutMs}`,
          ),
        ),
      );
    }
  }

  abort(): void {
    this.#letGo();
    this.#socket.destroy();
  }

  readonly #onReady = (): void => {
    this.#socket.write(this.#handshake.request, "latin1");
  };

  readonly #onData = (chunk: Uint8Array): void => {
    if (this.#refused !== undefined) {
      this.#readRefused(this.#refused, chunk);
      return;
    }
    const outcome = this.#handshake.receive(chunk);
    if (outcome === undefined) return;
    if (outcome.kind === "failed") {
      const { error, rest } = outcome;
      if (error instanceof UnexpectedStatusError) {
        this.#readRefused(new RefusedAnswer(error, () => this.#fail(error)), rest);
      } else this.#fail(error);
      return;
    }
    // Until the connection is started nobody listens; what comes meanwhile must stay in the socket.
    this.#socket.pause();
    const { maxMessageBytes, closeTimeoutMs, compression, heartbeat } = this.#request.options;
    const deflate = compression && readDeflateAnswer(outcome.extensions, compression);
    if (typeof deflate === "string") {
      this.#fail(new HandshakeError("INVALID_EXTENSION", deflate));
      return;
    }
    const connection = openConnection(this.#socket, {
      role: "client",
      protocol: outcome.protocol,
      extensions: serializeExtensions(outcome.extensions),
      // A copy, because the chunk is ours only during this call.
      head: Uint8Array.from(outcome.rest),
      deflate,
      ...(maxMessageBytes !== undefined && { maxMessageBytes }),
      ...(closeTimeoutMs !== undefined && { closeTimeoutMs }),
      ...(heartbeat !== undefined && { heartbeat }),
    });
    this.#letGo();
    this.#handler.onOpen(connection);
  };

  readonly #onError = (error: Error): void => {
    // A failure of several addresses at once has no message of its own.
    const reason = error.message || (error as NodeJS.ErrnoException).code || error.name;
    this.#fail(new TransportError("CONNECT_FAILED", reason, { cause: error }));
  };

  readonly #onEnd = (): void => {
    this.#fail(
      new HandshakeError("HANDSHAKE_CUT", "the server closed before the opening handshake ended"),
    );
  };

  /** Reads the beginning of the answer's body before the error is reported. */
  #readRefused(refused: RefusedAnswer, chunk: Uint8Array): void {
    this.#refused = refused;
    refused.receive(chunk);
    if (refused.isComplete) this.#fail(refused.error);
  }

  #fail(error: TidewayError): void {
    this.abort();
    // What ends the connection while the body is read does not matter: the server has refused.
    this.#handler.onFailed(this.#refused?.error ?? error);
  }

  #letGo(): void {
    this.#timer?.cancel();
    this.#refused?.stop();
    this.#socket.off("data", this.#onData);
    this.#socket.off("end", this.#onEnd);
    this.#socket.off("error", this.#onError);
    // What fails after this attempt is over concerns nobody, but must have a listener.
    this.#socket.on("error", ignore);
  }
}

function ignore(): void {}

function dialTcp(url: URL): Socket {
  const onread = sharedReads(() => socket);
  const socket: Socket = connectTcp({ host: hostOf(url), port: Number(url.port || 80), onread });
  return socket;
}

function dialTls({ url, options: { tls } }: ConnectRequest): TLSSocket {
  const host = hostOf(url);
  try {
    return connectTls({
      // RFC 6066 3: a server name is a DNS name, never an address.
      ...(isIP(host) === 0 && { servername: host }),
      ...(tls as ConnectionOptions | undefined),
      host,
      port: Number(url.port || 443),
      ALPNProtocols: ["http/1.1"],
    });
  } catch (cause) {
    throw new UsageError("INVALID_OPTION", "the tls options are not valid", { cause });
  }
}

/** The host as a socket takes it: an IPv6 address without its brackets. */
function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, "");
}

type Fields = ReadonlyArray<readonly [name: string, value: string]>;

/**
 * A user name and password in the URL go into Basic authentication (RFC 7617), unless the caller
 * gives credentials as a header.
 */
function withCredentials(url: URL, headers: Fields): Fields {
  if (url.username === "" && url.password === "") return headers;
  if (headers.some(([name]) => name.toLowerCase() === "authorization")) return headers;
  const pair = `${percentDecode(url.username)}:${percentDecode(url.password)}`;
  return [["Authorization", `Basic ${Buffer.from(pair).toString("base64")}`], ...headers];
}

/** A URL may hold a lone percent sign, which stands for itself. */
function percentDecode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
