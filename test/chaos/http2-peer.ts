import { once } from "node:events";
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from "node:http2";
import { connect as connectTls, type TLSSocket } from "node:tls";
import {
  type Arbitrary,
  array,
  constantFrom,
  integer,
  oneof,
  record,
  uint8Array,
} from "fast-check";
import { PAGE_PATHS, SOCKET_PATHS } from "./routes.ts";
import { isReady, leave } from "./http1-peer.ts";

/** The behaviour of one peer over HTTP/2, with Node's client or with raw bytes. */
export type Http2Life =
  | {
      readonly kind: "session";
      readonly streams: readonly StreamLife[];
      readonly isReading: boolean;
      readonly leave: "close" | "destroy" | "reset";
    }
  | {
      readonly kind: "bytes";
      readonly frames: readonly Uint8Array[];
      readonly leave: "end" | "destroy" | "reset";
    };

interface StreamLife {
  readonly method: "GET" | "POST" | "CONNECT";
  readonly path: string;
  readonly body: Uint8Array;
  readonly leave: "end" | "cancel" | "wait" | "cancel at once";
}

const STREAMS: Arbitrary<StreamLife> = record({
  method: constantFrom("GET", "POST", "CONNECT", "CONNECT"),
  path: constantFrom(...PAGE_PATHS, ...SOCKET_PATHS),
  body: uint8Array({ maxLength: 300 }),
  leave: constantFrom("end", "cancel", "wait", "cancel at once"),
});

/** A frame of HTTP/2 (RFC 9113 4.1). */
function frame(type: number, flags: number, streamId: number, payload: Uint8Array): Uint8Array {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(streamId, 5);
  return Buffer.concat([head, payload]);
}

const PREFACE: Uint8Array = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const SETTINGS = frame(4, 0, 0, new Uint8Array());
/** GET / in HPACK's static table. */
const REQUEST = Uint8Array.of(0x82, 0x87, 0x84, 0x41, 0x01, 0x61);

const ANY_FRAME = record({
  type: integer({ min: 0, max: 11 }),
  flags: integer({ min: 0, max: 255 }),
  streamId: integer({ min: 0, max: 9 }),
  payload: oneof(uint8Array({ maxLength: 60 }), constantFrom(REQUEST, new Uint8Array(4))),
}).map(({ type, flags, streamId, payload }) => frame(type, flags, streamId, payload));

export const HTTP2_LIVES: Arbitrary<Http2Life> = oneof(
  record({
    kind: constantFrom("session" as const),
    streams: array(STREAMS, { minLength: 1, maxLength: 20 }),
    isReading: constantFrom(true, true, false),
    leave: constantFrom("close" as const, "destroy" as const, "reset" as const),
  }),
  record({
    kind: constantFrom("bytes" as const),
    frames: array(oneof(ANY_FRAME, uint8Array({ maxLength: 100 })), { maxLength: 30 }),
    leave: constantFrom("end" as const, "destroy" as const, "reset" as const),
  }),
);

/** Runs `life` on a connection to `port` and cleans up. */
export async function liveOverHttp2(port: number, life: Http2Life): Promise<void> {
  const socket = connectTls({
    port,
    host: "127.0.0.1",
    rejectUnauthorized: false,
    ALPNProtocols: ["h2"],
  });
  socket.on("error", () => {});
  if (!(await isReady(socket, "secureConnect"))) return;
  if (life.kind === "bytes") {
    socket.resume();
    socket.write(Buffer.concat([PREFACE, SETTINGS, ...life.frames]));
    await new Promise((resolve) => setTimeout(resolve, 20));
    leave(socket, life.leave);
    return;
  }
  const session = connect(`https://127.0.0.1:${port}`, { createConnection: () => socket });
  session.on("error", () => {});
  await liveInSession(session, socket, life);
  if (life.leave === "close") session.close();
  else if (life.leave === "destroy") session.destroy();
  leave(socket, life.leave === "reset" ? "reset" : "end");
  setTimeout(() => session.destroy(), 50);
}

async function liveInSession(
  session: ClientHttp2Session,
  socket: TLSSocket,
  life: Http2Life & { kind: "session" },
): Promise<void> {
  // Both reject when the session fails, which is common here.
  await Promise.race([once(session, "remoteSettings"), once(session, "close")]).catch(() => {});
  const streams: ClientHttp2Stream[] = [];
  for (const one of life.streams) {
    if (session.destroyed || session.closed) break;
    streams.push(openStream(session, one));
  }
  if (!life.isReading) socket.pause();
  await new Promise((resolve) => setTimeout(resolve, 30));
  life.streams.forEach(({ leave: how }, index) => {
    if (how === "cancel") streams[index]?.close(constants.NGHTTP2_CANCEL);
  });
}

function openStream(session: ClientHttp2Session, life: StreamLife): ClientHttp2Stream {
  const { method, path, body } = life;
  const stream = session.request({
    ":method": method,
    ":path": path,
    ...(method === "CONNECT" && { ":protocol": "websocket", "sec-websocket-version": "13" }),
  });
  stream.on("error", () => {});
  stream.resume();
  if (life.leave === "cancel at once") stream.close(constants.NGHTTP2_CANCEL);
  else if (method === "GET") stream.end();
  else if (life.leave === "end") stream.end(body);
  else stream.write(body);
  return stream;
}
