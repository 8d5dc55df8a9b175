import { AsyncLocalStorage } from "node:async_hooks";
import { connect as connectTcp, type NetConnectOpts, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { ConnectionOptions, TLSSocket } from "node:tls";
import type {
  ConnectAttempt,
  ConnectHandler,
  Connector,
  ConnectRequest,
} from "../../client/connector.ts";
import type { ConnectionTarget, CreateConnection } from "../../client/connection-target.ts";
import { readUnixUrl } from "../../client/unix-url.ts";
import type { WheelTimer } from "../../connection/timer-wheel.ts";
import { describeError, describeSubprotocol } from "../../errors/debug-log.ts";
import { HandshakeError, TidewayError, UsageError } from "../../errors/index.ts";
import { offerDeflate, readDeflateAnswer } from "../../protocol/deflate/index.ts";
import {
  ClientHandshake,
  serializeExtensions,
  UnexpectedStatusError,
} from "../../protocol/handshake/index.ts";
import { openConnection, type TcpEnvironment } from "../tcp/open-connection.ts";
import { nodeProtocolEnvironment } from "../environment/protocol-environment.ts";
import { sharedReads } from "../tcp/shared-reads.ts";
import { wheel } from "../environment/timers.ts";
import { withBasicAuth } from "./basic-auth.ts";
import { connectTls, hostOf, portOf } from "./dial.ts";
import { connectFailed, openStream } from "./open-stream.ts";
import { describeUrl } from "./describe-url.ts";
import { RefusedAnswer } from "./refused-answer.ts";

/** A byte stream to the server that may not be connected yet. */
export interface Dialled {
  readonly socket: Duplex;
  /** The event that `socket` emits when it is connected. */
  readonly readyEvent: string;
}

/**
 * Creates a connector, which opens a byte stream to a server and does the opening handshake.
 *
 * @param dial opens the byte stream. Default: opens TCP or a Unix socket, with TLS for `wss:`
 */
export function createConnector(
  environment: TcpEnvironment,
  dial: (request: ConnectRequest) => Dialled = dialServer,
): Connector {
  return (request, handler) => new Attempt(environment, request, handler, dial);
}

function dialServer(request: ConnectRequest): Dialled {
  const place = placeOf(request.url);
  return isSecure(request.url)
    ? { socket: dialTls(request, place), readyEvent: "secureConnect" }
    : { socket: dialPlain(place), readyEvent: "connect" };
}

class Attempt implements ConnectAttempt {
  readonly #environment: TcpEnvironment;
  readonly #request: ConnectRequest;
  readonly #handler: ConnectHandler;
  readonly #handshake: ClientHandshake;
  /** The byte stream. Undefined until `createConnection` has opened it. */
  #socket: Duplex | undefined;
  /** Aborts `createConnection`. */
  #opening: AbortController | undefined;
  readonly #timer: WheelTimer | undefined;
  /** Ends the attempt. Timers call it, so it restores the asynchronous context of the constructor call. */
  readonly #failInContext = AsyncLocalStorage.bind((error: TidewayError) => this.#fail(error));
  /** The response of a server that refuses the handshake, while its body is being read. */
  #refused: RefusedAnswer | undefined;

  constructor(
    environment: TcpEnvironment,
    request: ConnectRequest,
    handler: ConnectHandler,
    dial: (request: ConnectRequest) => Dialled,
  ) {
    const { url, protocols, options } = request;
    this.#environment = environment;
    this.#request = request;
    this.#handler = handler;
    const headers = withBasicAuth(url, "Authorization", Object.entries(options.headers ?? {}));
    const extensions = options.compression ? [offerDeflate(options.compression)] : [];
    this.#handshake = new ClientHandshake(
      {
        url: readUnixUrl(url)?.requestUrl ?? url,
        protocols,
        extensions,
        headers,
        requireProtocol: true,
      },
      nodeProtocolEnvironment,
    );
    const { createConnection, handshakeTimeoutMs } = options;
    if (createConnection === undefined) this.#use(dial(request));
    else void this.#open(createConnection);
    if (handshakeTimeoutMs !== undefined) {
      this.#timer = wheel.start(handshakeTimeoutMs, () =>
        this.#failInContext(
          new HandshakeError(
            "HANDSHAKE_TIMEOUT",
            `the connection did not open within handshakeTimeoutMs ${handshakeTimeoutMs}; check that the server can be reached, or raise the limit`,
          ),
        ),
      );
    }
  }

  abort(): void {
    this.#detach();
    this.#socket?.destroy();
    this.#opening?.abort();
  }

  /** Opens the stream with `createConnection`. */
  async #open(createConnection: CreateConnection): Promise<void> {
    const { url } = this.#request;
    this.#opening = new AbortController();
    const { signal } = this.#opening;
    try {
      const stream = await openStream(createConnection, { url, ...placeOf(url), signal });
      if (signal.aborted) stream.destroy();
      else if (!isSecure(url)) {
        this.#use({ socket: stream });
        this.#onReady();
      } else this.#use({ socket: secure(this.#request, stream), readyEvent: "secureConnect" });
    } catch (error) {
      if (!signal.aborted) this.#fail(error instanceof TidewayError ? error : connectFailed(error));
    }
  }

  #use({ socket, readyEvent }: Partial<Dialled> & Pick<Dialled, "socket">): void {
    this.#socket = socket;
    if (readyEvent !== undefined) socket.on(readyEvent, this.#onReady);
    socket.on("data", this.#onData);
    socket.on("error", this.#onError);
    socket.on("end", this.#onEnd);
    socket.on("close", this.#onEnd);
    // `createConnection` may have paused the stream, to keep bytes that have arrived.
    socket.resume();
  }

  readonly #onReady = (): void => {
    this.#socket!.write(this.#handshake.request, "latin1");
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
        this.#readRefused(new RefusedAnswer(error, () => this.#failInContext(error)), rest);
      } else this.#fail(error);
      return;
    }
    // The connection has no listener until it is started, so bytes must stay in the socket until then.
    const socket = this.#socket!;
    socket.pause();
    const { maxMessageBytes, closeTimeoutMs, compression, heartbeat } = this.#request.options;
    const deflate = compression && readDeflateAnswer(outcome.extensions, compression);
    if (typeof deflate === "string") {
      this.#fail(new HandshakeError("INVALID_EXTENSION", deflate));
      return;
    }
    const connection = openConnection(this.#environment, socket, {
      role: "client",
      protocol: outcome.protocol,
      extensions: serializeExtensions(outcome.extensions),
      // A copy, because the chunk is valid only during this call.
      head: Uint8Array.from(outcome.rest),
      deflate,
      ...(maxMessageBytes !== undefined && { maxMessageBytes }),
      ...(closeTimeoutMs !== undefined && { closeTimeoutMs }),
      ...(heartbeat !== undefined && { heartbeat }),
    });
    this.#detach();
    const { log } = this.#environment;
    if (log.isEnabled) {
      log.write(() => {
        const { protocol, extensions } = connection;
        const chosen = describeSubprotocol(protocol, this.#request.protocols);
        return (
          `handshake accepted by ${describeUrl(this.#request.url)}, HTTP/1.1, ` +
          `subprotocol ${chosen}, extensions ${extensions || "none"}, ` +
          `as connection ${log.idOf("connection", connection)}`
        );
      });
    }
    const { headers } = outcome;
    this.#handler.onOpen(connection, () => new Headers([...headers]));
  };

  readonly #onError = (error: Error): void => {
    this.#fail(connectFailed(error));
  };

  readonly #onEnd = (): void => {
    this.#fail(
      new HandshakeError(
        "HANDSHAKE_CUT",
        "the server closed the connection before the opening handshake was complete",
      ),
    );
  };

  /** Reads the beginning of the response's body before it reports the error. */
  #readRefused(refused: RefusedAnswer, chunk: Uint8Array): void {
    this.#refused = refused;
    refused.receive(chunk);
    if (refused.isComplete) this.#fail(refused.error);
  }

  #fail(error: TidewayError): void {
    this.abort();
    const { log } = this.#environment;
    if (log.isEnabled) {
      const failure = this.#refused?.error ?? error;
      log.write(
        () => `handshake failed with ${describeUrl(this.#request.url)}: ${describeError(failure)}`,
      );
    }
    // If the server has refused the handshake, that is the error, even if the connection ends while the body
    // is read.
    this.#handler.onFailed(this.#refused?.error ?? error);
  }

  #detach(): void {
    this.#timer?.cancel();
    this.#refused?.stop();
    const socket = this.#socket;
    if (socket === undefined) return;
    socket.off("data", this.#onData);
    socket.off("end", this.#onEnd);
    socket.off("close", this.#onEnd);
    socket.off("error", this.#onError);
    // Later errors are ignored. Without a listener, an error would end the process.
    socket.on("error", ignore);
  }
}

function ignore(): void {}

function isSecure({ protocol }: URL): boolean {
  return protocol === "wss:" || protocol === "wss+unix:";
}

/** The options of `net.connect` for a target: a host and port, or a Unix socket, which takes precedence. */
type Place = Pick<ConnectionTarget, "host" | "port" | "path">;

function placeOf(url: URL): Place {
  const unix = readUnixUrl(url);
  const requestUrl = unix?.requestUrl ?? url;
  return {
    host: hostOf(requestUrl),
    port: portOf(requestUrl, isSecure(url)),
    ...(unix && { path: unix.socketPath }),
  };
}

function dialPlain(place: Place): Socket {
  const onread = sharedReads(() => socket);
  const options: NetConnectOpts = { ...place, onread };
  const socket: Socket = connectTcp(options);
  return socket;
}

function dialTls(
  { options: { tls } }: ConnectRequest,
  target: ConnectionOptions & { host: string },
): TLSSocket {
  try {
    return connectTls(target, tls ?? {});
  } catch (cause) {
    throw new UsageError(
      "INVALID_OPTION",
      `WebSocket: the option tls is invalid: ${(cause as Error).message}`,
      { cause },
    );
  }
}

/** Starts TLS over a stream, which closes when the TLS socket closes. Node.js does the same in the other direction. */
function secure(request: ConnectRequest, stream: Duplex): TLSSocket {
  // The certificate must name this host.
  const { host } = placeOf(request.url);
  let socket: TLSSocket;
  try {
    socket = dialTls(request, { host, socket: stream });
  } catch (error) {
    stream.destroy();
    throw error;
  }
  stream.on("error", (error) => socket.destroy(error));
  socket.on("close", () => stream.destroy());
  return socket;
}
