import { UsageError } from "../../errors/index.ts";
import { isOwnResponse } from "./is-response.ts";

/**
 * The result of `authorize`. An object accepts the client and becomes the handler's `state`; a `Response`
 * or an `Error` refuses the client. Any other value refuses the client too, so a mistake never lets a
 * client connect.
 */
export type Authorization<State> = (State & AcceptedState<State>) | Response | Error;

/** The part of the type `State` with which `authorize` accepts a client. */
export type AcceptedState<State> = unknown extends State
  ? object
  : State extends object
    ? State extends
        | readonly unknown[]
        | ((...parameters: never) => unknown)
        | { readonly status: number; readonly headers: unknown }
      ? never
      : State extends Error
        ? // An object with a name and a message is an error only if it has a stack.
          "stack" extends keyof State
          ? never
          : State
        : State
    : never;

/** Whether `authorize` accepts the client, and with which state or response. */
export type Verdict =
  | { readonly kind: "accept"; readonly state: object }
  | { readonly kind: "answer"; readonly response: Response }
  | { readonly kind: "fail"; readonly error: unknown };

/**
 * Reads the result of `authorize`, which the caller has awaited. Only an object accepts the client. A
 * result of another type fails with UsageError `INVALID_AUTHORIZATION`. Never throws.
 */
export function readAuthorization(result: unknown, routeKey: string): Verdict {
  try {
    if (isError(result)) return { kind: "fail", error: result };
    if (isOwnResponse(result)) {
      const problem = whyNotSent(result);
      return problem === undefined
        ? { kind: "answer", response: result }
        : invalid(routeKey, problem);
    }
    const problem = whyNoState(result);
    return problem === undefined
      ? { kind: "accept", state: result as object }
      : invalid(routeKey, problem);
  } catch (cause) {
    // The application's object may be a proxy, or have getters, that throw.
    return invalid(routeKey, "an object that throws when its properties are read", cause);
  }
}

function invalid(routeKey: string, what: string, cause?: unknown): Verdict {
  const error = new UsageError(
    "INVALID_AUTHORIZATION",
    `authorize of the route ${JSON.stringify(routeKey)} returned ${what}; return an object to accept ` +
      "the client, which becomes the handler's state, or a Response to refuse it",
    cause === undefined ? {} : { cause },
  );
  return { kind: "fail", error };
}

/** Whether `value` is an error, of this realm or another. Some test runners use other realms. */
function isError(value: unknown): boolean {
  if (value instanceof Error || classOf(value) === "Error") return true;
  if (typeof value !== "object" || value === null) return false;
  // The class of a DOMException has another name, but inherits from the Error of its realm.
  let prototype: unknown = Object.getPrototypeOf(value);
  while (typeof prototype === "object" && prototype !== null) {
    const { constructor } = prototype as { readonly constructor?: { readonly name?: unknown } };
    if (Object.hasOwn(prototype, "constructor") && constructor?.name === "Error") return true;
    prototype = Object.getPrototypeOf(prototype);
  }
  return false;
}

/** The class name of an object of any realm, such as `Error`, or `Boolean` for a wrapped boolean. */
function classOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice("[object ".length, -1);
}

function whyNotSent({ type, status, bodyUsed, body }: Response): string | undefined {
  if (type === "error") return "a Response.error(), which cannot be sent";
  if (bodyUsed) return "a Response with a body that has been used";
  if (body?.locked) return "a Response with a body that has a reader";
  if (Number.isInteger(status) && status >= 200 && status <= 599) return undefined;
  return `a Response with status ${String(status)}, which cannot be sent`;
}

/** Classes that wrap a primitive. `new Boolean(false)` is an object, but must not accept a client. */
const WRAPPERS: readonly string[] = ["BigInt", "Boolean", "Number", "String", "Symbol"];

function whyNoState(value: unknown): string | undefined {
  if (value === null) return "null";
  if (typeof value === "boolean" || value === undefined) return String(value);
  if (typeof value !== "object") return `a ${typeof value}`;
  if (Array.isArray(value)) return "an array";
  const className = classOf(value);
  if (WRAPPERS.includes(className)) return `an object that wraps a ${className.toLowerCase()}`;
  const { status } = value as { readonly status?: unknown };
  if (typeof status === "number" && "headers" in value) {
    return "an object with a status and headers that is not a Response of this runtime";
  }
  return undefined;
}
