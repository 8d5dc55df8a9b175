import type { IncomingMessage } from "node:http";
import { HandshakeError } from "../../errors/index.ts";
import type { DeflateAgreement } from "../../protocol/deflate/index.ts";
import {
  type ExtensionOffer,
  HeaderFields,
  parseExtensions,
  readUpgradeAnswer,
  serializeExtensions,
} from "../../protocol/handshake/index.ts";
import type { PerMessageDeflateOptions } from "../extensions/deflate-options.ts";
import { acceptDeflateAnswer } from "./deflate.ts";
import { handshakeError } from "./handshake-error.ts";

const INVALID_UPGRADE = "Invalid Upgrade header";

/** The client's offer. The response is checked against it. */
export interface Offer {
  readonly acceptKey: string;
  readonly protocols: readonly string[];
  readonly extensions: readonly ExtensionOffer[];
  /** Undefined if compression was not offered. */
  readonly perMessageDeflate: PerMessageDeflateOptions | undefined;
}

/** The server's choice. */
export interface HandshakeResult {
  readonly protocol: string;
  /** The extensions as the server wrote them, or the empty string. */
  readonly extensions: string;
  readonly deflate: DeflateAgreement | undefined;
}

/** Checks the response to the opening handshake (RFC 6455 4.1). Returns an error if it is invalid. */
export function readResponse(response: IncomingMessage, offer: Offer): HandshakeResult | Error {
  const { rawHeaders, headers } = response;
  // The property `maxHeadersCount` of a request limits `headers`, but not `rawHeaders`.
  if (headers.upgrade === undefined) return handshakeError("INVALID_UPGRADE", INVALID_UPGRADE);
  const accepted = readUpgradeAnswer(
    { kind: "head", startLine: startLineOf(response), rawHeaders, end: 0 },
    { ...offer, requireProtocol: true },
  );
  if (accepted instanceof HandshakeError) {
    return handshakeError(accepted.code, describe(accepted, rawHeaders, offer), accepted);
  }
  const { protocol, extensions } = accepted;
  const deflate =
    offer.perMessageDeflate && acceptDeflateAnswer(extensions, offer.perMessageDeflate);
  if (typeof deflate === "string") {
    return handshakeError(
      "INVALID_EXTENSION",
      "Invalid Sec-WebSocket-Extensions header",
      new HandshakeError("INVALID_EXTENSION", deflate),
    );
  }
  return { protocol, extensions: serializeExtensions(extensions), deflate };
}

function startLineOf(response: IncomingMessage): {
  versionMajor: number;
  versionMinor: number;
  status: number;
  reason: string;
} {
  const { httpVersionMajor, httpVersionMinor, statusCode = 0, statusMessage = "" } = response;
  return {
    versionMajor: httpVersionMajor,
    versionMinor: httpVersionMinor,
    status: statusCode,
    reason: statusMessage,
  };
}

/** Returns the message of the package `ws`, because applications compare it. The cause has the details. */
function describe(
  { code, message }: HandshakeError,
  rawHeaders: readonly string[],
  { protocols, extensions }: Offer,
): string {
  switch (code) {
    case "INVALID_UPGRADE":
      return INVALID_UPGRADE;
    case "INVALID_ACCEPT":
      return "Invalid Sec-WebSocket-Accept header";
    case "INVALID_SUBPROTOCOL":
      return protocols.length === 0
        ? "Server sent a subprotocol but none was requested"
        : "Server sent an invalid subprotocol";
    case "MISSING_SUBPROTOCOL":
      return "Server sent no subprotocol";
    case "INVALID_EXTENSION":
      return describeExtensions(rawHeaders, extensions);
    default:
      return message;
  }
}

function describeExtensions(
  rawHeaders: readonly string[],
  offered: readonly ExtensionOffer[],
): string {
  if (offered.length === 0) {
    return "Server sent a Sec-WebSocket-Extensions header but no extension was requested";
  }
  const values = new HeaderFields(rawHeaders).all("sec-websocket-extensions");
  return parseExtensions(values) === undefined
    ? "Invalid Sec-WebSocket-Extensions header"
    : "Server indicated an extension that was not requested";
}
