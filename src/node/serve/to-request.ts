import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse, ServerHttp2Stream } from "node:http2";
import { createRequest } from "@remix-run/node-fetch-server";
import { makeAbortable } from "./lazy-signal.ts";
import type { RequestTarget } from "./request-target.ts";
import type { NodeResponse } from "./send-response.ts";

/** A request of `node:http`, or of the interface that `node:http2` has in common with it. */
export type NodeRequest = IncomingMessage | Http2ServerRequest;

/** What a handler gets of `request`; its signal aborts when the client leaves before the answer's end. */
export function toRequest(
  request: NodeRequest,
  response: NodeResponse,
  target: RequestTarget,
): Request {
  const { method = "GET" } = request;
  if ((method === "GET" || method === "HEAD") && !("stream" in response)) {
    return withoutBody(request, response, target);
  }
  // Of a target in absolute form only the path goes behind the host.
  request.url = target.path;
  const protocol = target.isSecure ? "https:" : "http:";
  // The same as in the URL that handlers get.
  const host = target.host === "" ? "localhost" : target.host;
  const lifetime = "stream" in response ? lifetimeOf(response.stream) : response;
  return createRequest(request, lifetime, { host, protocol });
}

function withoutBody(
  { method = "GET", headers }: NodeRequest,
  response: ServerResponse,
  { url }: RequestTarget,
): Request {
  const init: Record<string, string> = {};
  for (const name in headers) {
    const value = headers[name];
    if (value !== undefined) init[name] = typeof value === "string" ? value : value.join(", ");
  }
  const abortable = makeAbortable(url.href, { method, headers: init });
  let isFinished = false;
  response.once("finish", () => (isFinished = true));
  response.once("close", () => {
    if (!isFinished) abortable.abort();
  });
  return abortable.request;
}

/**
 * Of a response, what `createRequest` listens to: a 'close' without a 'finish' before it aborts the
 * request's signal. The compatible interface of node:http2 says 'finish' also where it was cut off.
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
