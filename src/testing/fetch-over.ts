import { type ClientRequest, type IncomingMessage, request as requestHttp } from "node:http";
import { type Duplex, Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream as NodeReadableStream } from "node:stream/web";

/** The status codes of responses without a body (Fetch, "null body status"). */
const NULL_BODY_STATUSES: readonly number[] = [204, 205, 304];

/** Creates a `fetch` that sends each request over a new connection of `connect`. */
export function fetchOver(connect: () => Duplex): typeof fetch {
  return async (input, init) => {
    const request = new Request(input, init);
    const { pathname, search, host } = new URL(request.url);
    const outgoing = requestHttp({
      createConnection: connect,
      method: request.method,
      path: pathname + search,
      headers: { host, ...Object.fromEntries(request.headers) },
      signal: request.signal,
    });
    const answered = responseTo(outgoing);
    const sent = send(outgoing, request);
    try {
      return toResponse(await Promise.race([answered, sent.then(() => answered)]));
    } catch (cause) {
      request.signal.throwIfAborted();
      throw new TypeError("fetch failed", { cause });
    }
  };
}

async function send(outgoing: ClientRequest, { body }: Request): Promise<void> {
  if (body === null) outgoing.end();
  else await pipeline(Readable.fromWeb(body as NodeReadableStream), outgoing);
}

function responseTo(outgoing: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    outgoing.on("response", resolve);
    outgoing.on("error", reject);
  });
}

function toResponse(incoming: IncomingMessage): Response {
  const { statusCode: status = 0, statusMessage: statusText = "", rawHeaders } = incoming;
  const headers = new Headers();
  for (let index = 0; index < rawHeaders.length; index += 2) {
    headers.append(rawHeaders[index], rawHeaders[index + 1]);
  }
  const isEmpty = NULL_BODY_STATUSES.includes(status);
  if (isEmpty) incoming.resume();
  const body = isEmpty ? null : (Readable.toWeb(incoming) as ReadableStream);
  return new Response(body, { status, statusText, headers });
}
