import type { ExtensionOffer } from "../../protocol/handshake/index.ts";
import { type DeflateAgreement, readDeflateAnswer } from "../../protocol/deflate/index.ts";
import {
  deflateSettings,
  deflateTuning,
  type PerMessageDeflateOptions,
} from "../extensions/deflate-options.ts";
import { offerParams } from "../extensions/deflate-params.ts";

/** Creates a client's offer of compression (RFC 7692 7.1). */
export function offerDeflate(options: PerMessageDeflateOptions): ExtensionOffer {
  const params = Object.entries(offerParams(options)).map(
    ([name, value]): [string, string | true] => [name, value === true || String(value)],
  );
  return { name: "permessage-deflate", params };
}

/**
 * Checks the server's answer to `offerDeflate` (RFC 7692 5.1). Returns undefined if the server declined, or a
 * string with the reason if the connection must fail.
 */
export function acceptDeflateAnswer(
  answers: readonly ExtensionOffer[],
  options: PerMessageDeflateOptions,
): DeflateAgreement | string | undefined {
  const agreed = readDeflateAnswer(answers, deflateSettings(options, true));
  if (agreed === undefined || typeof agreed === "string") return agreed;
  return checkAnswer(new Map(answers[0].params), options) ?? withOptions(agreed, options);
}

/**
 * Returns why the options do not allow the answer; undefined if they do. `checkAnswer` of `deflate-params.ts` has the
 * messages of the package `ws`. This one tells an application which part of the answer was not offered.
 */
function checkAnswer(
  answer: ReadonlyMap<string, string | true>,
  { clientNoContextTakeover, clientMaxWindowBits = true }: PerMessageDeflateOptions,
): string | undefined {
  if (clientNoContextTakeover === false && answer.has("client_no_context_takeover")) {
    return "the server answered with client_no_context_takeover, which the options do not allow";
  }
  const bits = answer.get("client_max_window_bits");
  if (bits === undefined || clientMaxWindowBits === true) return undefined;
  const isAllowed = clientMaxWindowBits !== false && Number(bits) <= clientMaxWindowBits;
  return isAllowed
    ? undefined
    : `the server answered with client_max_window_bits=${String(bits)}, which was not offered`;
}

/** Applies the client's options, which may allow a smaller window than the server does. */
function withOptions(
  { sending, receiving }: DeflateAgreement,
  options: PerMessageDeflateOptions,
): DeflateAgreement {
  const { clientMaxWindowBits, clientNoContextTakeover = false } = options;
  const maxBits =
    typeof clientMaxWindowBits === "number" ? clientMaxWindowBits : sending.windowBits;
  const takesOver = sending.takesOver && !clientNoContextTakeover;
  const tuning = deflateTuning(options);
  return {
    sending: { takesOver, windowBits: Math.min(maxBits, sending.windowBits) },
    receiving,
    settings: deflateSettings(options, takesOver),
    ...(tuning && { tuning }),
  };
}
