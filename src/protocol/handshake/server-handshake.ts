import { UsageError } from "../../errors/index.ts";
import { HeaderFields } from "./header-fields.ts";
import {
  type HttpHead,
  type HttpHeadFault,
  type HttpHeadLimits,
  HttpHeadReader,
  parseRequestLine,
  type RequestLine,
} from "./http-head.ts";
import { type HttpRefusal, refuse } from "./http-refusal.ts";
import { readUpgradeRequest, type UpgradeOffer } from "./upgrade-request.ts";

/** A valid opening handshake, with the target and the header fields of its request. */
export interface ReceivedUpgrade extends UpgradeOffer {
  /** The request-target: a path with its query, or an absolute http(s) URI. */
  readonly target: string;
  readonly headers: HeaderFields;
  /** The bytes after the request, as a view of the last chunk. */
  readonly rest: Uint8Array;
}

export type ServerHandshakeOutcome = ReceivedUpgrade | HttpRefusal;

/**
 * Reads an opening handshake on the server (RFC 6455 4.2) from the bytes of a connection. If an HTTP server has
 * parsed the request, use `readUpgradeRequest` instead.
 *
 * ```ts
 * const handshake = new ServerHandshake();
 * const outcome = handshake.receive(chunk);   // undefined: more bytes are needed
 * if (outcome?.kind === "refuse") write(writeRefusal(outcome));
 * if (outcome?.kind === "upgrade") write(acceptUpgrade(outcome));
 * ```
 */
export class ServerHandshake {
  readonly #reader: HttpHeadReader<RequestLine>;
  #isOver = false;

  /** @throws UsageError `INVALID_OPTION` if a limit is not a positive integer. */
  constructor(limits: HttpHeadLimits = {}) {
    this.#reader = new HttpHeadReader({
      ...limits,
      parseStartLine: parseRequestLine,
      skipsLeadingBlankLines: true,
    });
  }

  /**
   * Reads the next bytes. Returns undefined while the request is incomplete. Nothing that the client sends
   * makes it throw.
   *
   * @throws UsageError `HANDSHAKE_OVER` after it has returned an outcome.
   */
  receive(chunk: Uint8Array): ServerHandshakeOutcome | undefined {
    if (this.#isOver) {
      throw new UsageError(
        "HANDSHAKE_OVER",
        "receive must not be called after the opening handshake has ended",
      );
    }
    const head = this.#reader.receive(chunk);
    if (head === undefined) return undefined;
    this.#isOver = true;
    return head.kind === "fault" ? FAULT_REFUSALS[head.fault] : judge(head, chunk);
  }
}

function judge(head: HttpHead<RequestLine>, chunk: Uint8Array): ServerHandshakeOutcome {
  const { method, target, versionMajor, versionMinor } = head.startLine;
  if (versionMajor !== 1) return refuse(505, "This server supports only HTTP/1.1.");
  const outcome = readUpgradeRequest({
    method,
    httpVersionMajor: versionMajor,
    httpVersionMinor: versionMinor,
    rawHeaders: head.rawHeaders,
  });
  if (outcome.kind === "refuse") return outcome;
  // RFC 6455 3 and 4.1, item 2: a resource name or an absolute http(s) URI, without a fragment.
  if (!/^(?:\/|https?:\/\/)[^#]*$/i.test(target)) {
    return refuse(400, "The request target must be a path or an http(s) URL, without a fragment.");
  }
  const headers = new HeaderFields(head.rawHeaders);
  return { ...outcome, target, headers, rest: chunk.subarray(head.end) };
}

const FAULT_REFUSALS: Readonly<Record<HttpHeadFault["fault"], HttpRefusal>> = {
  malformed: refuse(400, "The request is not well-formed HTTP/1.1."),
  // RFC 9112 3: a request-target that is too long MUST be answered with 414.
  "start-line-too-long": refuse(414, "The request line is too long."),
  "too-many-bytes": refuse(431, "The request header is too large."),
  "too-many-fields": refuse(431, "The request has too many header fields."),
};
