import {
  HeaderFields,
  readUpgradeRequest,
  type UpgradeOffer,
} from "../../../protocol/handshake/index.ts";
import { parseRequestHead } from "../../../protocol/handshake/request-head.ts";
import { MAX_HEADER_BYTES, MAX_HEADER_COUNT } from "../../requests/request-target.ts";

/** The head of a request for a WebSocket. */
export interface OpeningRequest {
  /** name, value, name, value... */
  readonly rawHeaders: readonly string[];
  /** The path and the query, as they came. */
  readonly path: string;
  /** The value of its one `Host`. */
  readonly host: string;
  readonly offer: UpgradeOffer;
  /** The bytes behind it. */
  readonly rest: Uint8Array;
}

const NOTHING = new Uint8Array(0);

const LIMITS = { maxHeaderBytes: MAX_HEADER_BYTES, maxHeaderCount: MAX_HEADER_COUNT };

/**
 * Reads the first bytes of a connection as a request for a WebSocket, if that is without any doubt what
 * they are: a whole head to the letter of RFC 9112, for a path and without a body, and a valid opening
 * handshake. Undefined for everything else, about which an HTTP server may have something to say.
 */
export function readOpeningRequest(chunk: Buffer): OpeningRequest | undefined {
  const text = chunk.toString("latin1", 0, Math.min(chunk.length, MAX_HEADER_BYTES));
  const head = parseRequestHead(text, LIMITS);
  if (head === undefined) return undefined;
  const { startLine, rawHeaders, end } = head;
  const { method, target: path, versionMajor, versionMinor } = startLine;
  // RFC 9112 3.2.1: a fragment is never sent.
  if (versionMajor !== 1 || versionMinor !== 1 || path[0] !== "/" || path.includes("#"))
    return undefined;
  const offer = readUpgradeRequest({
    method,
    httpVersionMajor: versionMajor,
    httpVersionMinor: versionMinor,
    rawHeaders,
  });
  if (offer.kind === "refuse") return undefined;
  const fields = new HeaderFields(rawHeaders);
  // Of a body of no bytes, too, there are ways to speak that only an HTTP server should judge.
  if (fields.all("content-length").length > 0) return undefined;
  const rest = end === chunk.length ? NOTHING : chunk.subarray(end);
  return { rawHeaders, path, host: fields.single("host")!, offer, rest };
}
