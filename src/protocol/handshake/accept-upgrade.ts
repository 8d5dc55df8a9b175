import { UsageError } from "../../errors/index.ts";
import { defaultEnvironment } from "../default-environment.ts";
import type { ProtocolEnvironment } from "../protocol-environment.ts";
import { computeAcceptKey } from "./accept-key.ts";
import { type ExtensionOffer, serializeExtensions } from "./extensions.ts";
import type { HeaderInit } from "./header-writer.ts";
import type { UpgradeOffer } from "./upgrade-request.ts";
import { writeUpgradeResponse } from "./upgrade-response.ts";

/** The choices of a server that accepts an opening handshake. */
export interface UpgradeChoice {
  /** One of the offered subprotocols. Default: none. */
  readonly protocol?: string;
  /** The extensions that the server accepts. Default: none. */
  readonly extensions?: readonly ExtensionOffer[];
  /** Further fields, such as `Set-Cookie`. Fields of the handshake are not allowed. */
  readonly headers?: HeaderInit;
  /** Default: plain ECMAScript. Only its `sha1Base64` is used. */
  readonly environment?: Pick<ProtocolEnvironment, "sha1Base64">;
}

/**
 * Writes the response that accepts an opening handshake (RFC 6455 4.2.2); frames follow it. Each
 * character of the result is one byte: write it as latin-1.
 *
 * @param offer from `ServerHandshake` or `readUpgradeRequest`
 * @throws UsageError `INVALID_OFFER` if `offer` is a refusal, `INVALID_SUBPROTOCOL` if the client did not
 *   offer `protocol`, `INVALID_EXTENSION`, `INVALID_HEADER`, or `RESERVED_HEADER` for a field of the
 *   handshake
 */
export function acceptUpgrade(offer: UpgradeOffer, choice: UpgradeChoice = {}): string {
  const { protocol = "", extensions = [], headers = {}, environment = defaultEnvironment } = choice;
  if (offer?.kind !== "upgrade") {
    throw new UsageError(
      "INVALID_OFFER",
      'acceptUpgrade: the outcome must have the kind "upgrade"; write a refusal with writeRefusal',
    );
  }
  if (protocol !== "" && !offer.protocols.includes(protocol)) {
    throw new UsageError(
      "INVALID_SUBPROTOCOL",
      `the client did not offer the subprotocol ${JSON.stringify(protocol)} (RFC 6455 4.2.2)`,
    );
  }
  const acceptKey = computeAcceptKey(offer.key, environment);
  const agreed = serializeExtensions(extensions);
  return writeUpgradeResponse({ acceptKey, protocol, extensions: agreed, headers });
}
