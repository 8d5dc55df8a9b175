import type { ExtensionParams, ExtensionValue } from "./extension.ts";
import type { PerMessageDeflateOptions } from "./deflate-options.ts";

/** The parameters of permessage-deflate in an offer or an answer (RFC 7692 7.1). */
export interface DeflateParams {
  server_no_context_takeover?: true;
  client_no_context_takeover?: true;
  server_max_window_bits?: number;
  /** `true` in an offer that lets the server choose. */
  client_max_window_bits?: number | true;
}

/**
 * Reads the parameters of one offer or answer.
 *
 * @throws Error for an unknown parameter, a repeated parameter or an invalid value
 */
export function readParams(params: ExtensionParams, isServer: boolean): DeflateParams {
  // The result has no prototype if `params` has none.
  const read = Object.create(Object.getPrototypeOf(params) as object | null) as DeflateParams;
  for (const [name, values] of Object.entries(params)) {
    if (values.length > 1) throw new Error(`Parameter "${name}" must have only a single value`);
    Object.assign(read, { [name]: readValue(name, values[0], isServer) });
  }
  return read;
}

function readValue(name: string, value: ExtensionValue, isServer: boolean): number | true {
  switch (name) {
    case "server_no_context_takeover":
    case "client_no_context_takeover":
      if (value === true) return true;
      break;
    case "client_max_window_bits":
      // RFC 7692 7.1.2.2: only an offer may have this parameter without a value.
      if (value === true && isServer) return true;
      if (isWindowBits(value)) return Number(value);
      break;
    case "server_max_window_bits":
      if (isWindowBits(value)) return Number(value);
      break;
    default:
      throw new Error(`Unknown parameter "${name}"`);
  }
  throw new TypeError(`Invalid value for parameter "${name}": ${value}`);
}

/** RFC 7692 7.1.2: a decimal integer from 8 to 15 without leading zeroes. */
function isWindowBits(value: ExtensionValue): boolean {
  return value !== true && /^(?:[89]|1[0-5])$/.test(String(value));
}

/** Creates a client's offer. */
export function offerParams(options: PerMessageDeflateOptions): DeflateParams {
  const { serverNoContextTakeover, clientNoContextTakeover, serverMaxWindowBits } = options;
  const { clientMaxWindowBits = true } = options;
  return {
    ...(serverNoContextTakeover === true && { server_no_context_takeover: true }),
    ...(clientNoContextTakeover === true && { client_no_context_takeover: true }),
    ...(typeof serverMaxWindowBits === "number" && { server_max_window_bits: serverMaxWindowBits }),
    ...(clientMaxWindowBits !== false && { client_max_window_bits: clientMaxWindowBits }),
  };
}

/**
 * Answers the first offer that the options of a server allow (RFC 7692 5.1). Modifies that offer, and
 * returns it as the answer.
 *
 * @throws Error if the options allow none of the offers
 */
export function answerOffers(
  offers: readonly DeflateParams[],
  options: PerMessageDeflateOptions,
): DeflateParams {
  const answer = offers.find((offer) => isAcceptable(offer, options));
  if (answer === undefined) throw new Error("None of the extension offers can be accepted");
  const { serverMaxWindowBits: serverBits, clientMaxWindowBits: clientBits } = options;
  if (options.serverNoContextTakeover === true) answer.server_no_context_takeover = true;
  if (options.clientNoContextTakeover === true) answer.client_no_context_takeover = true;
  if (typeof serverBits === "number") answer.server_max_window_bits = serverBits;
  if (typeof clientBits === "number") answer.client_max_window_bits = clientBits;
  else if (clientBits === false || answer.client_max_window_bits === true) {
    delete answer.client_max_window_bits;
  }
  return answer;
}

function isAcceptable(offer: DeflateParams, options: PerMessageDeflateOptions): boolean {
  const { serverMaxWindowBits: serverBits, clientMaxWindowBits: clientBits } = options;
  const { server_max_window_bits: offeredServerBits, client_max_window_bits: offeredClientBits } =
    offer;
  if (options.serverNoContextTakeover === false && offer.server_no_context_takeover) return false;
  if (offeredServerBits !== undefined) {
    if (serverBits === false) return false;
    if (typeof serverBits === "number" && serverBits > offeredServerBits) return false;
  }
  if (typeof clientBits !== "number") return true;
  // RFC 7692 7.1.2.2: a server may limit the client's window only if the client has offered that.
  if (offeredClientBits === undefined) return false;
  return offeredClientBits === true || clientBits <= offeredClientBits;
}

/**
 * Checks a server's answer against the options of the client.
 *
 * @throws Error if the options do not allow a parameter
 */
export function checkAnswer(
  answer: DeflateParams,
  options: PerMessageDeflateOptions,
): DeflateParams {
  const { clientNoContextTakeover, clientMaxWindowBits } = options;
  if (clientNoContextTakeover === false && answer.client_no_context_takeover) {
    throw new Error('Unexpected parameter "client_no_context_takeover"');
  }
  const { client_max_window_bits: bits } = answer;
  if (bits === undefined) {
    // The client keeps to the limit that it has offered.
    if (typeof clientMaxWindowBits === "number")
      answer.client_max_window_bits = clientMaxWindowBits;
    return answer;
  }
  const isTooLarge = typeof clientMaxWindowBits === "number" && Number(bits) > clientMaxWindowBits;
  if (clientMaxWindowBits === false || isTooLarge) {
    throw new Error('Unexpected or invalid parameter "client_max_window_bits"');
  }
  return answer;
}
