import type { IncomingMessage } from "node:http";
import { parseExtensions } from "../../protocol/handshake/extensions.ts";
import type { ExtensionParams } from "../extensions/extension.ts";
import type { PerMessageDeflateOptions } from "../extensions/deflate-options.ts";
import { PerMessageDeflate } from "../extensions/per-message-deflate.ts";
import { headerOf } from "./request.ts";

/** The negotiated extensions, by name. */
export type NegotiatedExtensions = Record<string, PerMessageDeflate>;

/** The options of a server that the negotiation depends on. */
interface ExtensionOptions {
  readonly perMessageDeflate?: boolean | PerMessageDeflateOptions | undefined;
  readonly maxPayload?: number | undefined;
}

/**
 * Negotiates permessage-deflate (RFC 7692 5.1). Returns undefined if the header is malformed or no offer is
 * acceptable. Other extensions are ignored.
 */
export function negotiateExtensions(
  request: IncomingMessage,
  { perMessageDeflate, maxPayload }: ExtensionOptions,
): NegotiatedExtensions | undefined {
  const header = headerOf(request, "sec-websocket-extensions");
  if (!perMessageDeflate || header === undefined) return {};
  const offers = parseExtensions([header]);
  if (offers === undefined) return undefined;
  const { extensionName } = PerMessageDeflate;
  const configurations = offers.filter(({ name }) => name === extensionName).map(paramsOf);
  if (configurations.length === 0) return {};
  const options = perMessageDeflate === true ? {} : perMessageDeflate;
  const deflate = new PerMessageDeflate({ ...options, isServer: true, maxPayload });
  try {
    deflate.accept(configurations);
  } catch {
    return undefined;
  }
  return { [extensionName]: deflate };
}

function paramsOf({
  params,
}: {
  params: Iterable<readonly [string, string | true]>;
}): ExtensionParams {
  const all: ExtensionParams = Object.create(null) as ExtensionParams;
  for (const [name, value] of params) (all[name] ??= []).push(value);
  return all;
}
