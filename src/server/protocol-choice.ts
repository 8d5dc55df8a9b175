import { UsageError } from "../errors/index.ts";
import { isToken } from "../protocol/handshake/index.ts";
import { invalidRoute } from "./patterns/route-pattern.ts";
import type { ProtocolChoice } from "./route-types.ts";
import { isThenable } from "./values.ts";

/** What a route says of its subprotocols: those it speaks, or a function that chooses. */
export type ProtocolPolicy = readonly string[] | ProtocolChoice;

/**
 * Chooses a subprotocol: the empty string for none, or undefined to refuse. Throws what a function
 * of the application throws, and UsageError `INVALID_SUBPROTOCOL` for what it must not return.
 */
export type ProtocolChooser = (
  offered: readonly string[],
  attempt: { readonly request: Request },
) => string | undefined;

/** @throws UsageError `INVALID_ROUTE` */
export function compileProtocols(key: string, policy: ProtocolPolicy): ProtocolChooser {
  if (typeof policy === "function") {
    // A copy, so that the function cannot add to what was offered.
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
  // Nobody waits for what it is rejected with.
  if (isThenable(choice)) choice.then(undefined, () => {});
  const shown = typeof choice === "string" ? JSON.stringify(choice) : describe(choice);
  throw new UsageError(
    "INVALID_SUBPROTOCOL",
    `protocols returned ${shown}; return one of the subprotocols offered, "" for none, or ` +
      "undefined to refuse the client",
  );
}

function describe(value: unknown): string {
  if (isThenable(value)) return "a promise";
  return value === null ? "null" : `a value of the type ${typeof value}`;
}

function checkProtocols(key: string, protocols: readonly string[]): void {
  const areTokens =
    Array.isArray(protocols) &&
    protocols.every((name) => typeof name === "string" && (name === "" || isToken(name)));
  if (!areTokens || new Set(protocols).size < protocols.length) {
    throw invalidRoute(
      key,
      "protocols is a list of different tokens (RFC 6455 4.1), or a function that chooses one",
    );
  }
}
