import { once } from "node:events";
import { connect, type Socket as NetSocket } from "node:net";
import { connect as connectTls, TLSSocket } from "node:tls";
import { PAGE_PATHS, SOCKET_PATHS } from "./routes.ts";
import { type Arbitrary, array, constantFrom, oneof, record, string, uint8Array } from "fast-check";

/** The behaviour of one peer over HTTP/1.1: what it sends, whether it reads, and how it leaves. */
export interface Http1Life {
  readonly words: readonly string[];
  readonly isReading: boolean;
  readonly leave: "end" | "destroy" | "reset";
}

const handshake = (path: string, ...fields: string[]): string =>
  [
    `GET ${path} HTTP/1.1`,
    "Host: localhost",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Extensions: permessage-deflate",
    ...fields,
    "\r\n",
  ].join("\r\n");

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;

const frame = (first: number, payload: string): string =>
  `${String.fromCharCode(first, 0x80 | payload.length)}\0\0\0\0${payload}`;

const WORDS = [
  ...SOCKET_PATHS.map((path) => handshake(path)),
  ...[...PAGE_PATHS, `/${"x".repeat(9000)}`].map(get),
  handshake("/echo", "Origin: https://evil.example"),
  handshake("/origins-throw", "Origin: null"),
  handshake("/echo").slice(0, -2),
  get("/page").repeat(100),
  get("/never").repeat(40),
  "GET /page HTTP/1.0\r\n\r\n",
  "POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nbegin",
  "POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nbegin",
  "POST /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nbegin\r\n",
  "GET /page HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
  "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
  "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
];

const FRAMES = [
  frame(0x81, "text"),
  frame(0x82, "bytes"),
  frame(0x01, "first"),
  frame(0x80, "last"),
  frame(0x01, "").concat(frame(0x00, "").repeat(2000)),
  frame(0xc1, "\xca\x48\xcd\xc9\xc9\x07\0"),
  frame(0xc1, "not deflate"),
  frame(0x81, "text").repeat(500),
  frame(0x89, "ping").repeat(50),
  frame(0x8a, "pong"),
  frame(0x88, "\x03\xe8bye"),
  frame(0x88, "\x03"),
  frame(0x83, "reserved"),
  "\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0",
  "\x81\x05clear",
];

const GARBAGE = uint8Array({ maxLength: 200 }).map((bytes) =>
  Buffer.from(bytes).toString("latin1"),
);

export const HTTP1_LIVES: Arbitrary<Http1Life> = record({
  words: oneof(
    array(oneof(constantFrom(...WORDS, ...FRAMES), string(), GARBAGE), { maxLength: 8 }),
    // A valid handshake, so that the server reads the rest as frames.
    array(oneof({ arbitrary: constantFrom(...FRAMES), weight: 4 }, GARBAGE), {
      maxLength: 8,
    }).chain((frames) => constantFrom(...SOCKET_PATHS).map((path) => [handshake(path), ...frames])),
  ),
  isReading: constantFrom(true, true, false),
  leave: constantFrom("end", "destroy", "reset"),
});

/** Runs `life` on a connection to `port` and cleans up. */
export async function liveOverHttp1(
  port: number,
  isSecure: boolean,
  life: Http1Life,
): Promise<void> {
  const socket = isSecure
    ? connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false })
    : connect(port, "127.0.0.1");
  socket.on("error", () => {});
  if (life.isReading) socket.resume();
  if (!(await isReady(socket, isSecure ? "secureConnect" : "connect"))) return;
  for (const word of life.words) {
    if (!socket.writable) break;
    // Each word is one write. If the server no longer reads, the peer continues without waiting.
    const written = new Promise((resolve) => socket.write(word, "latin1", resolve));
    await Promise.race([written, new Promise((resolve) => setTimeout(resolve, 100))]);
  }
  leave(socket, life.leave);
}

/** Whether `event` occurred before the connection ended. */
export async function isReady(socket: NetSocket, event: string): Promise<boolean> {
  const cancel = new AbortController();
  const { signal } = cancel;
  try {
    return await Promise.race([
      once(socket, event, { signal }).then(() => true),
      once(socket, "close", { signal }).then(() => false),
    ]);
  } catch {
    return false;
  } finally {
    cancel.abort();
  }
}

/** Node.js cannot reset a TLS connection. It is reset only if it is destroyed with unread bytes. */
export function leave(socket: NetSocket, how: Http1Life["leave"]): void {
  if (how === "end") socket.end();
  else if (how === "reset" && !(socket instanceof TLSSocket)) socket.resetAndDestroy();
  else socket.destroy();
  setTimeout(() => socket.destroy(), 50);
}
