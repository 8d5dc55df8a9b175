import { TidewayError } from "../errors/index.ts";
import type { ErrorListener } from "./report.ts";
import type { HttpEntry, RouteMatch } from "./route-table.ts";
import type { HttpContext } from "./route-types.ts";
import { isResponse } from "./values.ts";

/** Runs a route's handler. Never rejects: what it throws is reported and answered with 500. */
export async function answerRequest(
  { entry, params }: RouteMatch<HttpEntry>,
  request: Request,
  peer: Omit<HttpContext<unknown>, "params">,
  report: ErrorListener,
): Promise<Response> {
  try {
    const response: unknown = await entry.handle(request, { params, ...peer });
    if (isResponse(response)) return response;
    throw new TidewayError(
      "NO_RESPONSE",
      `the route ${JSON.stringify(entry.key)} returned no Response`,
    );
  } catch (error) {
    // A handler that gives up because the peer has gone did nothing wrong.
    if (!request.signal.aborted) report(error, { route: entry.key, request });
    return serverFailed();
  }
}

/** The answer to a request whose handling failed; says nothing about why. */
export function serverFailed(): Response {
  return new Response("The server failed.", { status: 500 });
}

/** Lets go of what is behind a body that nobody reads. */
export function cancelBody({ body }: Request | Response): void {
  if (body !== null && !body.locked) body.cancel().catch(() => {});
}
