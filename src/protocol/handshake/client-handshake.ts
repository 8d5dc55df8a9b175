import { HandshakeError, UsageError } from "../../errors/index.ts";
import { defaultEnvironment } from "../default-environment.ts";
import type { ProtocolEnvironment } from "../protocol-environment.ts";
import { computeAcceptKey, generateKey } from "./accept-key.ts";
import type { ExtensionOffer } from "./extensions.ts";
import type { HeaderFields } from "./header-fields.ts";
import type { HeaderInit } from "./header-writer.ts";
import {
  type HttpHeadLimits,
  HttpHeadReader,
  parseStatusLine,
  readFinalHead,
  type StatusLine,
} from "./http-head.ts";
import { type UrlParts, writeUpgradeRequest } from "./client-request.ts";
import { readUpgradeAnswer } from "./client-response.ts";

const NO_BYTES = new Uint8Array(0);

export interface ClientHandshakeOptions extends HttpHeadLimits {
  /** The URL to connect to: a `URL` with the scheme `ws:`, `wss:`, `http:` or `https:`. */
  readonly url: UrlParts;
  /** The subprotocols to offer, in order of preference. Default none. */
  readonly protocols?: readonly string[];
  /** The extensions to offer, in order of preference. Default none. */
  readonly extensions?: readonly ExtensionOffer[];
  /**
   * Further fields, such as `Origin` or `Cookie`. Fields of the handshake are not allowed. `host`
   * replaces the host of the URL.
   */
  readonly headers?: HeaderInit;
  /**
   * Whether to fail if subprotocols were offered and the server chose none. Default: `false`, as in RFC 6455
   * 4.1. The WHATWG standard requires `true`.
   */
  readonly requireProtocol?: boolean;
}

/** The connection is open. */
export interface HandshakeOpen {
  readonly kind: "open";
  /** The subprotocol that the server chose, or the empty string. */
  readonly protocol: string;
  /** The extensions that the server accepted. The client offered each of them by name. */
  readonly extensions: readonly ExtensionOffer[];
  /** The fields of the response. */
  readonly headers: HeaderFields;
  /** The bytes after the response, as a view of the last chunk. */
  readonly rest: Uint8Array;
}

/** The handshake failed. Close the transport. */
export interface HandshakeFailed {
  readonly kind: "failed";
  readonly error: HandshakeError;
  /** The bytes after the response head, as a view of the last chunk. */
  readonly rest: Uint8Array;
}

export type ClientHandshakeOutcome = HandshakeOpen | HandshakeFailed;

/**
 * The client's side of the opening handshake (RFC 6455 4.1). Send `request`, and pass the bytes of the
 * response to `receive`, in chunks of any size.
 *
 * ```ts
 * const handshake = new ClientHandshake({ url: new URL("ws://example.com/chat") });
 * write(handshake.request);
 * const outcome = handshake.receive(chunk);   // undefined: more bytes are needed
 * if (outcome?.kind === "open") takeFrames(outcome.rest);
 * if (outcome?.kind === "failed") report(outcome.error);
 * ```
 *
 * Its errors have the codes `UNEXPECTED_STATUS` (an `UnexpectedStatusError`), `MALFORMED_RESPONSE`,
 * `HEADER_TOO_BIG`, `INVALID_UPGRADE`, `INVALID_ACCEPT`, `INVALID_SUBPROTOCOL`, `MISSING_SUBPROTOCOL`,
 * `INVALID_EXTENSION`.
 */
export class ClientHandshake {
  /** The whole request. Each character is one byte: write it as latin-1. */
  readonly request: string;

  readonly #options: ClientHandshakeOptions;
  readonly #acceptKey: string;
  readonly #reader: HttpHeadReader<StatusLine>;
  #isOver = false;

  /**
   * @throws UsageError `INVALID_URL`, `INVALID_SUBPROTOCOL`, `INVALID_EXTENSION`, `INVALID_HEADER`,
   *   `RESERVED_HEADER` or `INVALID_OPTION` for values that cannot be sent.
   */
  constructor(
    options: ClientHandshakeOptions,
    environment: Pick<ProtocolEnvironment, "fillRandom" | "sha1Base64"> = defaultEnvironment,
  ) {
    const key = generateKey(environment);
    this.request = writeUpgradeRequest(options, key);
    this.#options = options;
    this.#acceptKey = computeAcceptKey(key, environment);
    this.#reader = new HttpHeadReader({ ...options, parseStartLine: parseStatusLine });
  }

  /**
   * Reads the next bytes. Returns undefined while the response is incomplete. Nothing that the peer sends
   * makes it throw.
   *
   * @throws UsageError `HANDSHAKE_OVER` after it has returned an outcome.
   */
  receive(chunk: Uint8Array): ClientHandshakeOutcome | undefined {
    if (this.#isOver) {
      throw new UsageError(
        "HANDSHAKE_OVER",
        "receive must not be called after the opening handshake has ended",
      );
    }
    const outcome = this.#readFinalAnswer(chunk);
    this.#isOver = outcome !== undefined;
    return outcome;
  }

  #readFinalAnswer(chunk: Uint8Array): ClientHandshakeOutcome | undefined {
    const head = readFinalHead(this.#reader, chunk);
    if (head === undefined) return undefined;
    if (head.kind === "fault") {
      const code = head.fault === "malformed" ? "MALFORMED_RESPONSE" : "HEADER_TOO_BIG";
      return { kind: "failed", error: new HandshakeError(code, head.message), rest: NO_BYTES };
    }
    const answer = readUpgradeAnswer(head, { ...this.#options, acceptKey: this.#acceptKey });
    const rest = chunk.subarray(head.end);
    if (answer instanceof HandshakeError) return { kind: "failed", error: answer, rest };
    return { kind: "open", ...answer, rest };
  }
}
