import type { ExtensionOffer } from "../handshake/extensions.ts";
import type { DeflateContext, DeflateTuning } from "./codec.ts";
import type { DeflateSettings } from "./settings.ts";

/** The agreed parameters (RFC 7692 5), from the point of view of one end. */
export interface DeflateAgreement {
  /** How this end may compress. */
  readonly sending: DeflateContext;
  /** How the other end may compress. */
  readonly receiving: DeflateContext;
  readonly settings: DeflateSettings;
  /** Settings of this end's compressor that are not negotiated. Default: the codec's own. */
  readonly tuning?: DeflateTuning;
}

/** The server's choice among the offers. */
export interface DeflateAcceptance {
  readonly agreement: DeflateAgreement;
  /** The extension to add to the response. */
  readonly extension: ExtensionOffer;
}

const NAME = "permessage-deflate";
const MAX_WINDOW_BITS = 15;

/** The parameters of RFC 7692 7.1, of one offer or answer. */
interface Parameters {
  readonly serverNoTakeover: boolean;
  readonly clientNoTakeover: boolean;
  /** Undefined if the parameter is absent. */
  readonly serverBits: number | undefined;
  /** `true` if the parameter has no value. */
  readonly clientBits: number | true | undefined;
}

/**
 * The server's side (RFC 7692 5.1): accepts the first offer that it can fulfil. Returns undefined to
 * decline all offers; the connection is then not compressed.
 *
 * @param minWindowBits the smallest window that the codec can compress with
 */
export function acceptDeflate(
  offers: readonly ExtensionOffer[],
  settings: DeflateSettings,
  minWindowBits: number,
): DeflateAcceptance | undefined {
  for (const offer of offers) {
    const offered = offer.name === NAME ? readParameters(offer) : undefined;
    if (offered === undefined || (offered.serverBits ?? MAX_WINDOW_BITS) < minWindowBits) continue;
    return answer(offered, settings);
  }
  return undefined;
}

function answer(offered: Parameters, settings: DeflateSettings): DeflateAcceptance {
  const isShared = settings.context === "shared";
  // RFC 7692 7.1.1: a server may turn context takeover off for both ends, offered or not.
  const serverNoTakeover = isShared || offered.serverNoTakeover;
  const clientNoTakeover = isShared || offered.clientNoTakeover;
  const { serverBits, clientBits } = offered;
  const sendingBits = Math.min(settings.windowBits, serverBits ?? MAX_WINDOW_BITS);
  const mostClientBits = typeof clientBits === "number" ? clientBits : MAX_WINDOW_BITS;
  // RFC 7692 7.1.2.2: a server may limit the client's window only if the client has offered that. The
  // memory of a shared inflater does not grow with the connections, so its window is not limited.
  const receivingBits =
    clientBits === undefined || isShared
      ? mostClientBits
      : Math.min(settings.windowBits, mostClientBits);
  const params: Array<readonly [string, string | true]> = [];
  if (serverNoTakeover) params.push(["server_no_context_takeover", true]);
  if (clientNoTakeover) params.push(["client_no_context_takeover", true]);
  if (serverBits !== undefined) params.push(["server_max_window_bits", String(sendingBits)]);
  if (receivingBits < MAX_WINDOW_BITS) {
    params.push(["client_max_window_bits", String(receivingBits)]);
  }
  return {
    agreement: {
      sending: { windowBits: sendingBits, takesOver: !serverNoTakeover },
      receiving: { windowBits: receivingBits, takesOver: !clientNoTakeover },
      settings,
    },
    extension: { name: NAME, params },
  };
}

/** Creates a client's offer. The offer lets the server choose the client's window (RFC 7692 7.1.2.2). */
export function offerDeflate(settings: DeflateSettings): ExtensionOffer {
  const params: Array<readonly [string, string | true]> = [["client_max_window_bits", true]];
  if (settings.context === "shared") {
    params.unshift(["server_no_context_takeover", true], ["client_no_context_takeover", true]);
  }
  return { name: NAME, params };
}

/**
 * The client's side (RFC 7692 5.1): checks the server's answer to `offerDeflate`. Returns undefined if
 * the server declined, or a string with the reason if the connection must fail.
 */
export function readDeflateAnswer(
  answers: readonly ExtensionOffer[],
  settings: DeflateSettings,
): DeflateAgreement | string | undefined {
  if (answers.length === 0) return undefined;
  const [extension] = answers;
  if (answers.length > 1 || extension.name !== NAME)
    return `the server accepted ${NAME} more than once`;
  const agreed = readParameters(extension);
  // RFC 7692 7.1.2.2: in an answer the parameter must have a value.
  if (agreed === undefined || agreed.clientBits === true) {
    return `the server answered with invalid parameters for ${NAME}`;
  }
  const isShared = settings.context === "shared";
  // RFC 7692 7.1.1.1: a server that accepts such an offer repeats the parameter.
  if (isShared && !agreed.serverNoTakeover)
    return "the server did not accept the parameter server_no_context_takeover";
  const { clientBits = MAX_WINDOW_BITS, serverBits = MAX_WINDOW_BITS } = agreed;
  return {
    sending: {
      windowBits: Math.min(settings.windowBits, clientBits),
      takesOver: !isShared && !agreed.clientNoTakeover,
    },
    receiving: { windowBits: serverBits, takesOver: !agreed.serverNoTakeover },
    settings,
  };
}

/** Returns undefined if a parameter is unknown, occurs twice, or has an invalid value. */
function readParameters({ params }: ExtensionOffer): Parameters | undefined {
  const values = new Map(params);
  if (values.size < params.length) return undefined;
  const take = (name: string): string | true | undefined => {
    const value = values.get(name);
    values.delete(name);
    return value;
  };
  const serverNoTakeover = take("server_no_context_takeover");
  const clientNoTakeover = take("client_no_context_takeover");
  const serverBits = readWindowBits(take("server_max_window_bits"));
  const clientBits = readWindowBits(take("client_max_window_bits"));
  if (values.size > 0) return undefined;
  if (!isFlag(serverNoTakeover) || !isFlag(clientNoTakeover)) return undefined;
  if (serverBits === "invalid" || serverBits === true || clientBits === "invalid") return undefined;
  return {
    serverNoTakeover: serverNoTakeover === true,
    clientNoTakeover: clientNoTakeover === true,
    serverBits,
    clientBits,
  };
}

function isFlag(value: string | true | undefined): boolean {
  return value === undefined || value === true;
}

/** RFC 7692 7.1.2: a decimal integer from 8 to 15 without leading zeroes. */
function readWindowBits(value: string | true | undefined): number | true | undefined | "invalid" {
  if (typeof value !== "string") return value;
  return /^(?:[89]|1[0-5])$/.test(value) ? Number(value) : "invalid";
}
