import {
  HeaderFields,
  readUpgradeRequest,
  type UpgradeOffer,
} from "../../../protocol/handshake/index.ts";
import { HttpHeadReader, parseRequestLine } from "../../../protocol/handshake/http-head.ts";
import { MAX_HEADER_BYTES, MAX_HEADER_COUNT } from "../../requests/request-target.ts";

/** An opening handshake. */
export interface OpeningRequest {
  /** name, value, name, value... */
  readonly rawHeaders: readonly string[];
  /** The path and the query as they were sent. */
  readonly path: string;
  /** The value of the only `Host` field. */
  readonly host: string;
  readonly offer: UpgradeOffer;
  /** The bytes after the request. */
  readonly rest: Uint8Array;
}

const NOTHING = new Uint8Array(0);

const READER_OPTIONS = {
  parseStartLine: parseRequestLine,
  maxHeaderBytes: MAX_HEADER_BYTES,
  maxHeaderCount: MAX_HEADER_COUNT,
  decodeLatin1: (bytes: Uint8Array, start: number, end: number): string =>
    (bytes as Buffer).toString("latin1", start, end),
};

/**
 * Reads the first bytes of a connection as an opening handshake. They must contain a complete head that
 * follows RFC 9112 exactly, for a path and without a body. Returns undefined for all other bytes, which the
 * HTTP server then reads.
 */
export function readOpeningRequest(chunk: Buffer): OpeningRequest | undefined {
  const head = new HttpHeadReader(READER_OPTIONS).receive(chunk);
  if (head?.kind !== "head") return undefined;
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
  // The HTTP server handles requests with `Content-Length`, even with the value 0, because it implements all
  // rules for bodies.
  if (fields.all("content-length").length > 0) return undefined;
  const rest = end === chunk.length ? NOTHING : chunk.subarray(end);
  return { rawHeaders, path, host: fields.single("host")!, offer, rest };
}
