import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import type { HttpRefusal } from "../../protocol/handshake/index.ts";
import { isConnectionField } from "../requests/connection-fields.ts";
import { endStream } from "./close-stream.ts";

/** A request of HTTP/2 with the stream that it opened. */
export interface IncomingStream {
  readonly stream: ServerHttp2Stream;
  readonly headers: IncomingHttpHeaders;
  /** name, value, name, value..., pseudo-header fields among them. */
  readonly rawHeaders: readonly string[];
  /** The connection that it came by, which the stream itself does not tell of once it has ended. */
  readonly socket: Socket;
}

/** Answers in plain text and closes the stream, whatever the client still has to send. */
export function refuseStream(
  stream: ServerHttp2Stream,
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
  stream.respond(fields);
  stream.end(body);
  endStream(stream, true);
}

/** Whether nothing can be answered on `stream` any more. */
export function isGone(stream: ServerHttp2Stream): boolean {
  return stream.destroyed || stream.closed;
}
