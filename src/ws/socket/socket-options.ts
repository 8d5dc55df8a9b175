import { checkPositive, invalidOption } from "../../errors/check-options.ts";
import type { ByteConnectionOptions } from "../../connection/byte-connection-options.ts";
import { checkHeartbeat, type HeartbeatOptions } from "../../connection/heartbeat.ts";
import type { DeflateAgreement } from "../../protocol/deflate/negotiation.ts";
import type { ClosingRules } from "../../protocol/endpoint.ts";
import { maskingKeysOf } from "../messages/masking-keys.ts";
import { readLimit } from "../messages/read-limit.ts";

/** Options of a {@link WebSocket} that apply in both roles. */
export interface CommonOptions {
  /** Whether a WebSocket without an address is the server's end of the connection. Default: true. */
  readonly isServer?: boolean | undefined;
  /**
   * Whether several `message`, `ping` and `pong` events may be emitted in one turn of the event loop. Default:
   * true.
   */
  readonly allowSynchronousEvents?: boolean | undefined;
  /** Whether pings are answered automatically. Default: true. */
  readonly autoPong?: boolean | undefined;
  /**
   * How long the closing handshake may take after `close()`, in milliseconds, before the connection is
   * dropped. Default: 30,000.
   */
  readonly closeTimeout?: number | undefined;
  /** The maximum size of a received message, in bytes. 0 removes the limit. Default: 104,857,600 (100 MiB). */
  readonly maxPayload?: number | undefined;
  /** The maximum number of fragments in a received message. 0 removes the limit. Default: 16,384. */
  readonly maxFragments?: number | undefined;
  /**
   * Accepted for compatibility. It has no effect: the chunks of an incomplete message are joined, so many small
   * chunks need no more memory than one large chunk.
   */
  readonly maxBufferedChunks?: number | undefined;
  /**
   * Accepted for compatibility. It has no effect, because only the latest ping is answered while more than 64 KiB
   * wait to be sent.
   */
  readonly maxPendingAutoPongs?: number | undefined;
  /** Whether to skip the UTF-8 validation of text and close reasons. Default: false. */
  readonly skipUTF8Validation?: boolean | undefined;
  /**
   * The maximum number of bytes that wait to be sent. Above it, the connection is closed with 1013. Default:
   * no limit. The package `ws` does not have this option.
   */
  readonly maxBufferedBytes?: number | undefined;
  /**
   * Pings a silent peer, and drops it if it remains silent. Default: false. The package `ws` does not have
   * this option.
   */
  readonly heartbeat?: boolean | HeartbeatOptions | undefined;
}

/** The results of the opening handshake, for `WebSocket.setSocket`. */
export interface SocketOptions extends CommonOptions {
  /** The negotiated subprotocol. Default: none. */
  readonly protocol?: string | undefined;
  /** The negotiated compression (RFC 7692), from the point of view of this side. Default: no compression. */
  readonly deflate?: DeflateAgreement | undefined;
  /**
   * Fills the buffer with the masking key of the next frame that a client sends. Default: random keys from a
   * cryptographically strong source.
   */
  readonly generateMask?: ((mask: Buffer) => void) | undefined;
}

/** The rules of the closing handshake in the package `ws`. */
const CLOSING: ClosingRules = {
  receivesMessages: true,
  echoesReason: true,
  explainsFailure: false,
  clientEndsTransport: true,
};

/**
 * Translates the options into options of a connection. It reads each option separately, because copying all
 * options of a server would make a handshake about a quarter slower, not counting the work for its socket.
 *
 * @param own the options of the WebSocket, for options that `options` does not set
 */
export function toConnectionOptions(
  options: SocketOptions,
  own: SocketOptions,
  role: "client" | "server",
  head: Uint8Array,
): ByteConnectionOptions {
  const { protocol = "", deflate, generateMask = own.generateMask } = options;
  const { maxPayload = own.maxPayload, maxFragments = own.maxFragments } = options;
  const { autoPong = own.autoPong, closeTimeout = own.closeTimeout ?? 30_000 } = options;
  const { heartbeat = own.heartbeat ?? false } = options;
  const { skipUTF8Validation = own.skipUTF8Validation } = options;
  return {
    role,
    protocol,
    extensions: deflate === undefined ? "" : "permessage-deflate",
    head,
    deflate,
    maxMessageBytes: readLimit(maxPayload, 104_857_600) ?? Number.MAX_SAFE_INTEGER,
    maxFragments: readLimit(maxFragments, 16_384),
    closeTimeoutMs: closeTimeout,
    heartbeat: heartbeat === true ? {} : heartbeat,
    decodesText: false,
    validatesUtf8: !skipUTF8Validation,
    sharesBuffers: true,
    // Like in the package `ws`, null turns it off.
    answersPings: autoPong === undefined || Boolean(autoPong),
    maskingKeys: generateMask && maskingKeysOf(generateMask),
    closing: CLOSING,
  };
}

/**
 * Checks `closeTimeout`, and the options that the package `ws` does not have.
 *
 * @throws UsageError `INVALID_OPTION`
 */
export function checkCommonOptions(options: CommonOptions): void {
  const { closeTimeout = 0, maxBufferedBytes, heartbeat } = options;
  if (!Number.isFinite(closeTimeout) || closeTimeout < 0) {
    throw invalidOption(
      "ws",
      "closeTimeout",
      closeTimeout,
      "a finite number of milliseconds, at least 0",
    );
  }
  checkPositive("ws", "maxBufferedBytes", maxBufferedBytes);
  if (heartbeat !== true) checkHeartbeat("ws", heartbeat);
}
