import type { Duplex } from "node:stream";
import type { ByteTransport } from "../../../connection/byte-transport.ts";
import {
  type HttpRefusal,
  type UpgradeResponse,
  writeUpgradeResponse,
} from "../../../protocol/handshake/index.ts";
import type { UpgradeAnswered } from "../../../server/requests/upgrade-attempt.ts";
import type { UpgradeResponder } from "../../requests/upgrade-responder.ts";
import { HandleTransport } from "../tcp/handle-transport.ts";
import type { TcpHandle } from "../tcp/stream-wrap.ts";

/**
 * Answers an opening handshake on a TCP handle. If the handshake is accepted at once, no socket is created
 * for the handle. All other answers need a socket.
 */
export class HandleUpgradeResponder implements UpgradeResponder {
  readonly #handle: TcpHandle;
  readonly #onGone: () => void;
  readonly #toSocket: () => UpgradeResponder;
  /** Answers on the socket, once the handle has a socket. */
  #onSocket: UpgradeResponder | undefined;

  /**
   * @param onGone called when an accepted connection is closed
   * @param toSocket creates a socket for the handle, and returns a responder for the socket
   */
  constructor(handle: TcpHandle, onGone: () => void, toSocket: () => UpgradeResponder) {
    this.#handle = handle;
    this.#onGone = onGone;
    this.#toSocket = toSocket;
  }

  get stream(): Duplex {
    return this.#socketResponder.stream;
  }

  accept(response: UpgradeResponse, hasHead: boolean): ByteTransport | undefined {
    if (this.#onSocket !== undefined) return this.#onSocket.accept(response, hasHead);
    const transport = new HandleTransport(this.#handle, this.#onGone);
    // Paused, so that the bytes after the request are delivered before further bytes.
    if (hasHead) transport.pause();
    transport.writeHead(writeUpgradeResponse(response));
    return transport;
  }

  refuse(refusal: HttpRefusal): void {
    this.#socketResponder.refuse(refusal);
  }

  answer(answered: UpgradeAnswered): void {
    this.#socketResponder.answer(answered);
  }

  drop(): void {
    this.#socketResponder.drop();
  }

  get #socketResponder(): UpgradeResponder {
    this.#onSocket ??= this.#toSocket();
    return this.#onSocket;
  }
}
