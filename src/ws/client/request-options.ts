import type { OutgoingHttpHeaders } from "node:http";
import type { RequestOptions } from "node:https";
import { type ExtensionOffer, serializeExtensions } from "../../protocol/handshake/index.ts";
import type { Address } from "./address.ts";
import { connectTcp, connectTls } from "./create-connection.ts";
import type { Credentials } from "./credentials.ts";
import type { ForwardedOptions } from "./handshake-options.ts";

/** One request of the opening handshake. */
export interface UpgradeRequestParts {
  readonly address: Address;
  readonly credentials: Credentials;
  readonly key: string;
  readonly protocols: readonly string[];
  readonly extensions: readonly ExtensionOffer[];
  readonly protocolVersion: number;
}

/** Creates the options of `http.request` or `https.request` for the opening handshake (RFC 6455 4.1). */
export function upgradeRequestOptions(
  options: ForwardedOptions,
  parts: UpgradeRequestParts,
): RequestOptions {
  const { address, credentials } = parts;
  const { isSecure, host, port, path } = address;
  return {
    ...options,
    // With `createConnection`, Node.js does not pool the connection, unless the caller passes an agent.
    createConnection: options.createConnection ?? (isSecure ? connectTls : connectTcp),
    defaultPort: isSecure ? 443 : 80,
    method: "GET",
    host,
    port,
    path,
    socketPath: address.socketPath ?? credentials.socketPath,
    hostname: undefined,
    protocol: undefined,
    timeout: undefined,
    auth: credentials.auth,
    headers: upgradeHeaders(options.origin, parts),
  };
}

function upgradeHeaders(
  origin: string | undefined,
  { credentials, key, protocols, extensions, protocolVersion }: UpgradeRequestParts,
): OutgoingHttpHeaders {
  return {
    ...credentials.headers,
    "Sec-WebSocket-Version": protocolVersion,
    "Sec-WebSocket-Key": key,
    Connection: "Upgrade",
    Upgrade: "websocket",
    ...(extensions.length > 0 && { "Sec-WebSocket-Extensions": serializeExtensions(extensions) }),
    ...(protocols.length > 0 && { "Sec-WebSocket-Protocol": protocols.join(",") }),
    // Version 8 is a draft of RFC 6455 that has another name for this header.
    ...(origin && { [protocolVersion < 13 ? "Sec-WebSocket-Origin" : "Origin"]: origin }),
  };
}
