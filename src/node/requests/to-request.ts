import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerResponse } from "node:http2";
import { createRequest } from "@remix-run/node-fetch-server";
import type { FetchAccelerator } from "./fetch-accelerator.ts";
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
  return createRequest(request, lifetime, { host, protocol });
}

/** Creates the `Request` for a GET or HEAD request of HTTP/1.1, as late as `fetch` allows. */
export function toRequestWithoutBody(
  { method = "GET", headers }: IncomingMessage,
  response: ServerResponse,
  { url: { href } }: RequestTarget,
  fetch: FetchAccelerator,
): Request {
  return fetch.deferRequest(href, method, () => {
    const abortable = fetch.makeAbortable(href, { method, headers: joinValues(headers) });
    whenCutOff(response, () => abortable.abort());
    return abortable.request;
  });
}

function joinValues(headers: IncomingMessage["headers"]): Record<string, string> {
  const joined: Record<string, string> = {};
  for (const name in headers) {
    const value = headers[name];
    if (value !== undefined) joined[name] = typeof value === "string" ? value : value.join(", ");
  }
  return joined;
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
