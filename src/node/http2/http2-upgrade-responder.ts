import type { Server as HttpServer } from "node:http";
import {
  Http2ServerRequest,
  Http2ServerResponse,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from "node:http2";
import type { ByteTransport } from "../../connection/byte-transport.ts";
import { type HttpRefusal, type UpgradeResponse } from "../../protocol/handshake/index.ts";
import type { UpgradeAnswered } from "../../server/requests/upgrade-attempt.ts";
import type { FetchAccelerator } from "../requests/fetch-accelerator.ts";
import { sendResponse } from "../requests/send-response.ts";
import { stallTimeoutMs } from "../requests/stall-timeout.ts";
import type { UpgradeResponder } from "../requests/upgrade-responder.ts";
import { cancelStream, endStream, failStream } from "./close-stream.ts";
import { cancelIfStalled } from "./stalled-streams.ts";
import { withoutConnectionFields } from "./connection-fields.ts";
import { http2 } from "./http2-version.ts";
import { type IncomingStream, isGone, refuseStream } from "./incoming-stream.ts";
import { StreamTransport } from "./stream-transport.ts";

/** Answers an extended CONNECT for a WebSocket (RFC 8441). */
export class Http2UpgradeResponder implements UpgradeResponder {
  readonly #incoming: IncomingStream;
  readonly #httpServer: HttpServer;
  readonly #fetch: FetchAccelerator;

  constructor(incoming: IncomingStream, httpServer: HttpServer, fetch: FetchAccelerator) {
    this.#incoming = incoming;
    this.#httpServer = httpServer;
    this.#fetch = fetch;
  }

  get stream(): ServerHttp2Stream {
    return this.#incoming.stream;
  }

  accept(response: UpgradeResponse): ByteTransport | undefined {
    if (isGone(this.stream)) return undefined;
    this.stream.respond(toFields(response));
    return new StreamTransport(this.stream);
  }

  refuse(refusal: HttpRefusal): void {
    refuseStream(this.#incoming, refusal);
  }

  answer({ response, onFailure }: UpgradeAnswered): void {
    const { stream, headers, rawHeaders } = this.#incoming;
    if (isGone(stream)) return;
    const request = new Http2ServerRequest(stream, headers, {}, rawHeaders);
    const message = new Http2ServerResponse(stream);
    request.on("error", ignoreError);
    message.on("error", ignoreError);
    cancelIfStalled(stream, stallTimeoutMs(this.#httpServer));
    endStream(stream);
    const answer = withoutConnectionFields(asRefusal(response));
    sendResponse(http2, message, answer, this.#fetch).catch((error: unknown) => {
      // It is not a failure if the client has disconnected.
      if (!stream.destroyed) onFailure(error);
      failStream(stream);
    });
  }

  drop(): void {
    cancelStream(this.stream);
  }
}

function toFields({
  acceptKey,
  protocol,
  extensions,
  headers,
}: UpgradeResponse): OutgoingHttpHeaders {
  // Without a prototype, because the application may set a field named `constructor`.
  const fields = Object.assign(Object.create(null) as OutgoingHttpHeaders, { ":status": 200 });
  for (const [name, value] of headers as Iterable<readonly [string, string]>) {
    // Only Set-Cookie may occur more than once.
    const earlier = fields[name] as string | string[] | undefined;
    fields[name] = earlier === undefined ? value : [earlier, value].flat();
  }
  if (acceptKey !== "") fields["sec-websocket-accept"] = acceptKey;
  if (protocol !== "") fields["sec-websocket-protocol"] = protocol;
  if (extensions !== "") fields["sec-websocket-extensions"] = extensions;
  return fields;
}

/** RFC 8441 5: over HTTP/2 every 2xx accepts. Over HTTP/1.1 every status except 101 refuses. */
function asRefusal(response: Response): Response {
  if (!response.ok) return response;
  return new Response(response.body, { status: 403, headers: response.headers });
}

function ignoreError(): void {}
