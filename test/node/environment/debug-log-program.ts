/**
 * Causes each kind of line of the debug log once. The test `debug-log.test.ts` runs it with and without
 * `NODE_DEBUG=tideway`. Everything that contains SECRET must not be in a line.
 */
import { createServer } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import { connect, Socket } from "node:net";
import { ReconnectingWebSocket, WebSocket } from "tideway";
import { attach, serve } from "tideway/server";
import { MemoryNetwork } from "tideway/testing";
import { Topics } from "tideway/topics";

const [, , tls] = process.argv;
// Without a certificate the program only loads the package.
if (tls === undefined) process.exit(0);

const server = await serve({
  host: "127.0.0.1",
  port: 0,
  maxConnections: 10,
  onRefused() {},
  onError() {},
  routes: {
    "ws:/echo": {
      protocols: ["json", ""],
      compression: true,
      maxMessageBytes: 100_000,
      authorize: async (_request: Request) => ({}),
      handle: (socket) => socket.listen((message) => void socket.send(message)),
    },
    "ws:/throw"() {
      throw Object.assign(new TypeError("SECRET message"), { code: "E_APP" });
    },
    "ws:/token": {
      protocols: ([token]: readonly string[]) => token,
      handle: (socket) => socket.listen(() => {}),
    },
    "ws:/unread"() {},
    "ws:/typed": {
      schema: {
        "~standard": {
          version: 1,
          vendor: "test",
          validate: (value: unknown) => ({ issues: [{ message: `not valid: ${String(value)}` }] }),
        },
      },
      handle: (socket) => socket.listen(() => {}),
    },
    "ws:/deny": { authorize: () => new Response("no", { status: 401 }), handle() {} },
  },
});
const url = server.url.replace("http", "ws");

async function ended(socket: WebSocket): Promise<void> {
  await socket.onClose.first;
}

// A conversation, with secrets in every place where they may be.
const echo = new WebSocket(`${url.replace("//", "//user:SECRET@")}/echo?token=SECRET`, {
  protocols: ["json"],
  compression: true,
  headers: { cookie: "session=SECRET", "x-api-key": "SECRET" },
});
await echo.onOpen.first;
echo.send("SECRET payload");
await echo.onMessage.first;
echo.close(1000, "done\u001b[31m\nTIDEWAY 1: forged");
await ended(echo);

// Refusals.
await ended(new WebSocket(`${url}/missing\u202e?token=SECRET`));
await ended(new WebSocket(`${url}/echo`, { headers: { origin: "http://other.example" } }));
await ended(new WebSocket(`${url}/deny`));

// A token as the subprotocol, and passwords where a host, an origin or an error may have them.
const token = new WebSocket(`${url}/token`, ["bearer.SECRET"]);
await token.onOpen.first;
token.close();
await ended(token);
const origin = "https://user:SECRET@other.example/?SECRET";
await ended(new WebSocket(`${url}/echo`, { headers: { origin } }));
await new Promise((resolve) => {
  const head = "GET /echo HTTP/1.1\r\nHost: user:SECRET@tideway.example\r\n";
  const upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
  connect(server.port, "127.0.0.1")
    .on("close", resolve)
    .resume()
    .write(head + upgrade);
});
await ended(
  new WebSocket(`${url}/echo`, {
    createConnection() {
      throw new Error("socks5://user:SECRET@proxy.example");
    },
  }),
);

const destroyed = new Socket().destroy();
await ended(new WebSocket(`${url}/echo`, { createConnection: () => destroyed }));

// Errors with messages that may quote secrets.
await ended(new WebSocket(`${url}/unread`, ["token.SECRET"]));
const typed = new WebSocket(`${url}/typed`);
await typed.onOpen.first;
typed.send('"SECRET"');
await ended(typed);

// A message that is too big, and a handler that throws.
const big = new WebSocket(`${url}/echo`);
await big.onOpen.first;
big.send("x".repeat(100_001));
await ended(big);
await ended(new WebSocket(`${url}/throw`));

// A transport that fails, and a client that reconnects.
const reconnecting = new ReconnectingWebSocket(`${url}/echo?token=SECRET`, { initialDelayMs: 1 });
await reconnecting.onOpen.first;
for (const socket of server.sockets) socket.terminate();
await reconnecting.onReconnected.first;
reconnecting.close();
await reconnecting.onClose.first;
const stopped = new ReconnectingWebSocket(`${url}/deny`);
await stopped.onClose.first;
const aborted = new ReconnectingWebSocket(url, {
  webSocketOptions: { signal: AbortSignal.abort() },
});
await aborted.onClose.first;

// Backpressure: one side stops reading, so the other stops writing.
const flood = new WebSocket(`${url}/unread`);
await flood.onOpen.first;
for (let count = 0; count < 400; count++) flood.send(new Uint8Array(65_536));
await new Promise((resolve) => setTimeout(resolve, 500));
const [unread] = server.sockets;
unread?.listen(() => {});
while (flood.bufferedAmount > 0) await new Promise((resolve) => setTimeout(resolve, 50));

// A reset, in memory.
const network = new MemoryNetwork();
const attached = network.serve({ routes: { "ws:/": (socket) => socket.listen(() => {}) } });
const inMemory = new network.WebSocket("ws://memory/");
await inMemory.onOpen.first;
network.links[0].reset();
await ended(inMemory);
await attached.stop();

// HTTP/2, without fast paths.
const secure = await serve({
  host: "127.0.0.1",
  port: 0,
  tls: JSON.parse(tls) as object,
  fastPaths: false,
  routes: { "ws:/h2": (socket) => socket.listen(() => {}) },
});
const session = connectHttp2(secure.url, { rejectUnauthorized: false });
await new Promise((resolve) => session.once("remoteSettings", resolve));
const stream = session.request({
  ":method": "CONNECT",
  ":protocol": "websocket",
  ":path": "/h2?token=SECRET",
  "sec-websocket-version": "13",
});
await new Promise((resolve) => stream.once("response", resolve));
const [accepted] = secure.sockets;
session.destroy();
await accepted.done;

// A listener of other code, for which handshakes go through `node:http`.
server.httpServer.on("connection", () => {});
await ended(new WebSocket(`${url}/deny`));

// An error of a broker.
const topics = new Topics({
  onError() {},
  requestTimeoutMs: 100,
  publishTimeoutMs: 1000,
  broker: {
    publish: () => new Promise(() => {}),
    history: () => new Promise(() => {}),
    subscribe: () => new Promise(() => {}),
    enter: async () => {},
    leave: async () => {},
    members: async () => [],
    close: async () => {},
  },
});
await topics
  .topic("room\n1")
  .publish("SECRET")
  .catch(() => {});
await topics.close();

// More connections than the server accepts would need thousands, so the limit is lowered.
server.httpServer.maxConnections = 1;
const { port } = server;
await new Promise((resolve) =>
  connect(port, "127.0.0.1").on("error", resolve).on("close", resolve),
);

// Stopping.
await server.stop({ drain: { batch: 1, intervalMs: 1 } });
await secure.stop({ code: 1001, reason: "bye" });
const httpServer = createServer();
await attach(httpServer, { routes: {} }).stop();
console.log("done");
