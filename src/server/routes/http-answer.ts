import { TidewayError } from "../../errors/index.ts";
import { isThenable } from "../../schema/values.ts";
import type { ErrorListener } from "../socket/error-context.ts";
import type { HttpContext } from "./http-route.ts";
import { isResponse } from "./is-response.ts";
import type { HttpEntry } from "./route-entries.ts";
import type { RouteMatch } from "./route-table.ts";

/**
 * Runs the handler of an HTTP route. Never throws or rejects: an error of the handler is reported and
 * answered with 500. Returns a promise only if the handler does, which makes short responses cheaper.
 */
export function answerRequest(
  match: RouteMatch<HttpEntry>,
  request: Request,
  peer: Omit<HttpContext<unknown>, "params">,
  report: ErrorListener,
): Response | Promise<Response> {
  const { entry, params } = match;
  const fail = (error: unknown): Response => {
    // The handler may have failed because its client disconnected.
    if (!request.signal.aborted) report(error, { route: entry.key, request });
    return serverFailed();
  };
  try {
    const answer: unknown = entry.handle(request, { params, ...peer });
    if (!isThenable(answer)) return checkResponse(answer, entry);
    return Promise.resolve(answer)
      .then((settled) => checkResponse(settled, entry))
      .catch(fail);
  } catch (error) {
    return fail(error);
  }
}

function checkResponse(answer: unknown, { key }: HttpEntry): Response {
  // `Response.error()` has the status 0. Bun and Deno allow 101, which only an accepted handshake gets.
  if (isResponse(answer) && answer.status >= 200) return answer;
  throw new TidewayError(
    "NO_RESPONSE",
    `the handler of the route ${JSON.stringify(key)} returned ${describeAnswer(answer)}; return a Response`,
  );
}

function describeAnswer(answer: unknown): string {
  if (isResponse(answer))
    return `a Response with the status ${answer.status}, which cannot be sent`;
  return answer === null ? "null" : `a value of type ${typeof answer}`;
}

/** The response to a request with a failed handler. It does not reveal the error. */
export function serverFailed(): Response {
  return new Response("The server failed.", { status: 500 });
}

/** The error for a Response with a body that the handler has read. */
export function bodyWasUsed(): TypeError {
  return new TypeError(
    "the handler returned a Response with a body that has been used; return a new Response",
  );
}

/** Cancels a body that will not be read, so that its source can free its resources. */
export function cancelBody({ body }: Request | Response): void {
  if (body !== null && !body.locked) body.cancel().catch(() => {});
}
