import { IncomingMessage, type Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { ByteTransport } from "../../connection/byte-transport.ts";
import {
  type HttpRefusal,
  type UpgradeResponse,
  writeUpgradeResponse,
} from "../../protocol/handshake/index.ts";
import type { UpgradeAnswered } from "../../server/requests/upgrade-attempt.ts";
import type { RequestEnvironment } from "../requests/request-environment.ts";
import { sendResponse } from "../requests/send-response.ts";
import type { UpgradeResponder } from "../requests/upgrade-responder.ts";
import { openTransport } from "../tcp/open-connection.ts";
import { http1 } from "./http1-version.ts";
import type { InFlight } from "./in-flight.ts";
import { lingeringClose, sendRefusal } from "./lingering-close.ts";
import { dropIfStalled } from "./stalled-connections.ts";

/** Answers an upgrade on a socket that `node:http` no longer uses. */
export class Http1UpgradeResponder implements UpgradeResponder {
  readonly stream: Duplex;
  readonly #httpServer: Server;
  readonly #inFlight: InFlight;
  readonly #environment: RequestEnvironment;

  /** @param inFlight counts the responses of `authorize` that are being sent */
  constructor(
    stream: Duplex,
    httpServer: Server,
    inFlight: InFlight,
    environment: RequestEnvironment,
  ) {
    this.stream = stream;
    this.#httpServer = httpServer;
    this.#inFlight = inFlight;
    this.#environment = environment;
  }

  accept(response: UpgradeResponse): ByteTransport | undefined {
    if (this.stream.destroyed) return undefined;
    this.stream.write(writeUpgradeResponse(response), "latin1");
    return openTransport(this.#environment.connections, this.stream);
  }

  refuse(refusal: HttpRefusal): void {
    sendRefusal(this.stream, refusal);
  }

  answer({ response, onFailure }: UpgradeAnswered): void {
    const socket = this.stream as Socket;
    const message = new ServerResponse(openingRequest(socket));
    message.shouldKeepAlive = false;
    message.on("error", () => socket.destroy());
    message.assignSocket(socket);
    message.once("finish", () => {
      message.detachSocket(socket);
      // An HTTP server emits this event for the responses that it creates itself.
      message.emit("close");
      lingeringClose(socket);
    });
    forwardDrain(socket, message);
    this.#inFlight.add(message);
    dropIfStalled(socket, this.#httpServer);
    sendResponse(http1, message, response, this.#environment.fetch).catch((error: unknown) => {
      // It is not a failure if the client has disconnected.
      if (!socket.destroyed) onFailure(error);
      socket.destroy();
    });
  }

  drop(): void {
    this.stream.destroy();
  }
}

/**
 * Emits the 'drain' events of `socket` on the response that is being sent, as an HTTP server does while it uses
 * the socket. Ends with the response `last`.
 */
export function forwardDrain(
  socket: Duplex,
  last: ServerResponse,
  current: () => ServerResponse | undefined = () => last,
): void {
  const onDrain = (): void => void current()?.emit("drain");
  socket.on("drain", onDrain);
  last.once("close", () => socket.off("drain", onDrain));
}

/** Creates a request with the properties that `ServerResponse` reads from an opening handshake. */
function openingRequest(socket: Socket): IncomingMessage {
  const request = new IncomingMessage(socket);
  request.httpVersionMajor = 1;
  request.httpVersionMinor = 1;
  return request;
}
