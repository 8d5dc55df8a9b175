import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import type { HttpRefusal } from "../../protocol/handshake/index.ts";
import { endStream } from "./close-stream.ts";
import { isConnectionField } from "./connection-fields.ts";

/** A request of HTTP/2 with its stream. */
export interface IncomingStream {
  readonly stream: ServerHttp2Stream;
  readonly headers: IncomingHttpHeaders;
  /** name, value, name, value..., including pseudo-header fields. */
  readonly rawHeaders: readonly string[];
  /** The connection, which the stream no longer refers to after its end. */
  readonly socket: Socket;
}

/** Answers with a refusal, and closes the stream even if the client is still sending. */
export function refuseStream(
  { stream, headers: { ":method": method } }: Pick<IncomingStream, "stream" | "headers">,
  { status, headers, message }: HttpRefusal,
): void {
  if (isGone(stream)) return;
  const body = Buffer.from(message);
  const fields: OutgoingHttpHeaders = {
    ":status": status,
    "content-type": "text/plain; charset=utf-8",
    "content-length": body.byteLength,
  };
  for (const [name, value] of Object.entries(headers)) {
    if (!isConnectionField(name)) fields[name.toLowerCase()] = value;
  }
  if (method === "HEAD") stream.respond(fields, { endStream: true });
  else {
    stream.respond(fields);
    stream.end(body);
  }
  if (method === "CONNECT" || !stream.endAfterHeaders) endStream(stream, true);
}

/** Whether nothing more can be sent on `stream`. */
export function isGone(stream: ServerHttp2Stream): boolean {
  return stream.destroyed || stream.closed;
}
