import { UsageError } from "../../errors/index.ts";
import { isToken } from "../../protocol/handshake/index.ts";
import { isThenable } from "../../schema/values.ts";
import { invalidRoute } from "./patterns/route-pattern.ts";

/**
 * Chooses one of the offered subprotocols, which are in the client's order of preference. Return its name, or
 * an empty string to accept the client without a subprotocol. `undefined` and `false` refuse the client with
 * 400. Any other result, or a thrown error, refuses the client with 500 and is reported to `onError`. The
 * function cannot be async.
 *
 * Annotate the type of `offered` so that TypeScript can infer the handler's `protocol`:
 * `(offered: readonly string[]) => offered.find((name) => name.startsWith("token."))`.
 */
export type ProtocolChoice<Protocol = string> = (
  offered: readonly string[],
  request: Request,
) => Protocol | undefined | false;

/** The `protocols` option of a route: a list of subprotocols, or a function that chooses one. */
export type ProtocolPolicy = readonly string[] | ProtocolChoice;

/**
 * Returns the chosen subprotocol, an empty string for none, or undefined to refuse the client. Throws
 * what the application's function throws, or UsageError `INVALID_SUBPROTOCOL` if its result is invalid.
 */
export type ProtocolChooser = (
  offered: readonly string[],
  attempt: { readonly request: Request },
) => string | undefined;

type OfferChoice = (offered: readonly string[]) => unknown;

/** The functions that {@link choiceByOffer} was called with, by its results. */
const choicesByOffer = new WeakMap<ProtocolPolicy, OfferChoice>();

/**
 * Returns a choice that reads only the offer. The server makes no `Request` for it, which would stay in memory as
 * long as the connection's context.
 */
export function choiceByOffer<Protocol>(
  choose: (offered: readonly string[]) => Protocol | undefined | false,
): ProtocolChoice<Protocol> {
  const choice: ProtocolChoice<Protocol> = (offered) => choose(offered);
  choicesByOffer.set(choice as ProtocolChoice, choose);
  return choice;
}

/** @throws UsageError `INVALID_ROUTE` */
export function compileProtocols(key: string, policy: ProtocolPolicy): ProtocolChooser {
  if (typeof policy === "function") {
    const choose = choicesByOffer.get(policy);
    if (choose !== undefined) return (offered) => checkChoice(choose(offered), offered);
    // A copy, so that the function cannot change the offer.
    return (offered, { request }) => checkChoice(policy([...offered], request), offered);
  }
  checkProtocols(key, policy);
  const mayBeNone = policy.length === 0 || policy.includes("");
  return (offered) => {
    const chosen = policy.find((protocol) => offered.includes(protocol));
    return chosen ?? (mayBeNone ? "" : undefined);
  };
}

function checkChoice(choice: unknown, offered: readonly string[]): string | undefined {
  if (choice === undefined || choice === false) return undefined;
  if (typeof choice === "string" && (choice === "" || offered.includes(choice))) return choice;
  // An unhandled rejection would end the process.
  if (isThenable(choice)) choice.then(undefined, () => {});
  const shown = typeof choice === "string" ? JSON.stringify(choice) : describe(choice);
  throw new UsageError(
    "INVALID_SUBPROTOCOL",
    `protocols returned ${shown}; return an offered subprotocol, "" for no subprotocol, or ` +
      "undefined to refuse the client",
  );
}

function describe(value: unknown): string {
  if (isThenable(value)) return "a promise";
  return value === null ? "null" : `a value of type ${typeof value}`;
}

function checkProtocols(key: string, protocols: readonly string[]): void {
  const areTokens =
    Array.isArray(protocols) &&
    protocols.every((name) => typeof name === "string" && (name === "" || isToken(name)));
  if (!areTokens || new Set(protocols).size < protocols.length) {
    throw invalidRoute(
      key,
      'protocols must be a list of different names without spaces, such as ["chat.v1"], or a function that chooses one',
    );
  }
}
