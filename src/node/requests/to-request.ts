import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse, ServerHttp2Stream } from "node:http2";
import { createRequest } from "@remix-run/node-fetch-server";
import type { FetchAccelerator } from "./fetch-accelerator.ts";
import type { RequestTarget } from "./request-target.ts";
import type { NodeResponse } from "./send-response.ts";

/** A request of `node:http`, or of the compatibility API of `node:http2`. */
export type NodeRequest = IncomingMessage | Http2ServerRequest;

/** The `Request` for a handler. Its signal aborts when the client leaves before the response ends. */
export function toRequest(
  request: NodeRequest,
  response: NodeResponse,
  target: RequestTarget,
  fetch: FetchAccelerator,
): Request {
  const { method = "GET" } = request;
  if ((method === "GET" || method === "HEAD") && !("stream" in response)) {
    return withoutBody(request, response, target, fetch);
  }
  // A target in absolute form contributes only its path.
  request.url = target.path;
  const protocol = target.isSecure ? "https:" : "http:";
  // The same text as in the URL that handlers get.
  const host = target.host === "" ? "localhost" : target.host;
  const lifetime = "stream" in response ? lifetimeOf(response.stream) : response;
  return createRequest(request, lifetime, { host, protocol });
}

function withoutBody(
  { method = "GET", headers }: NodeRequest,
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

function joinValues(headers: NodeRequest["headers"]): Record<string, string> {
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

/**
 * The events of a response that `createRequest` listens to: 'close' without an earlier 'finish' aborts
 * the request's signal. The compatibility API of node:http2 emits 'finish' even for a response that was
 * cut off.
 */
function lifetimeOf(stream: ServerHttp2Stream): Http2ServerResponse {
  const lifetime = {
    once(event: string, listener: () => void) {
      if (event === "close") stream.once("aborted", listener);
      return lifetime;
    },
  };
  return lifetime as unknown as Http2ServerResponse;
}
