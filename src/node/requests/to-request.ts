import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerResponse } from "node:http2";
import { createRequest } from "@remix-run/node-fetch-server";
import type { FetchAccelerator } from "./fetch-accelerator.ts";
import { joinFields } from "./join-fields.ts";
import type { NodeRequest } from "./http-version.ts";
import type { RequestTarget } from "./request-target.ts";

/**
 * Creates the `Request` for a request that may have a body.
 *
 * @param lifetime the signal aborts when this response emits 'close' without an earlier 'finish'
 */
export function toRequest(
  request: NodeRequest,
  lifetime: ServerResponse | Http2ServerResponse,
  target: RequestTarget,
): Request {
  // Only the path of a target in absolute form is used.
  request.url = target.path;
  const protocol = target.isSecure ? "https:" : "http:";
  // The same host as in the URL that handlers get.
  const host = target.host === "" ? "localhost" : target.host;
  const created = createRequest(request, lifetime, { host, protocol });
  const { headers, rawHeaders } = request;
  if (hasRepeatedField(Object.keys(headers).length, rawHeaders)) {
    for (const [name, value] of Object.entries(joinFields(rawHeaders))) {
      if (created.headers.get(name) !== value) created.headers.set(name, value);
    }
  }
  return created;
}

/** Creates the `Request` for a GET or HEAD request of HTTP/1.1, as late as `fetch` allows. */
export function toRequestWithoutBody(
  request: IncomingMessage,
  response: ServerResponse,
  { url: { href } }: RequestTarget,
  fetch: FetchAccelerator,
): Request {
  const { method = "GET" } = request;
  return fetch.deferRequest(href, method, () => {
    const abortable = fetch.makeAbortable(href, { method, headers: fieldsOf(request) });
    whenCutOff(response, () => abortable.abort());
    return abortable.request;
  });
}

function fieldsOf({ headers, rawHeaders }: IncomingMessage): Record<string, string> {
  const fields: Record<string, string> = {};
  let count = 0;
  for (const name in headers) {
    count++;
    const value = headers[name];
    if (value !== undefined) fields[name] = typeof value === "string" ? value : value.join(", ");
  }
  return hasRepeatedField(count, rawHeaders) ? joinFields(rawHeaders) : fields;
}

/** Of some repeated fields, such as Authorization, Node.js keeps only the first. */
function hasRepeatedField(nameCount: number, rawHeaders: readonly string[]): boolean {
  return rawHeaders.length !== 2 * nameCount;
}

/** Calls back when `response` closes before all of it was sent; at once if that has happened. */
function whenCutOff(response: ServerResponse, callback: () => void): void {
  if (response.writableFinished) return;
  if (response.destroyed) return callback();
  let isFinished = false;
  response.once("finish", () => (isFinished = true));
  response.once("close", () => {
    if (!isFinished) callback();
  });
}
