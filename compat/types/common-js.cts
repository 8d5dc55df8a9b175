// Uses the types of ws as a CommonJS module does.
import { createServer, IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import WebSocket = require("ws");

class User extends WebSocket {
  userName = "";
}

class Request extends IncomingMessage {
  room = "";
}

const http = createServer({ IncomingMessage: Request });
const options: WebSocket.ServerOptions<typeof User, typeof Request> = {
  noServer: true,
  WebSocket: User,
  clientTracking: true,
  perMessageDeflate: { threshold: 10, zlibDeflateOptions: { level: 3 }, concurrencyLimit: 2 },
  maxPayload: 1024,
  handleProtocols: (protocols, request) => request.room !== "" && protocols.has("chat") && "chat",
  verifyClient: ({ origin, secure, req }, callback) => {
    callback(secure && origin !== "" && req.url !== "", 401, "no", { "X-A": "b" });
  },
};
export const server: WebSocket.Server<typeof User, typeof Request> = new WebSocket.WebSocketServer(
  options,
  () => {},
);

server.on("connection", (socket, request) => {
  socket.userName = request.room;
  socket.on("message", (data: WebSocket.RawData, isBinary: boolean) => {
    const bytes = Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data as ArrayBuffer);
    for (const client of server.clients) {
      if (client.readyState === WebSocket.OPEN && client.userName !== "") {
        client.send(bytes, { binary: isBinary, compress: true, fin: true }, (error?: Error) => {
          if (error !== undefined) client.terminate();
        });
      }
    }
  });
  socket.on("close", (code, reason) => console.log(code.toFixed(), reason.toString("utf8")));
  socket.once("ping", (data) => socket.pong(data.subarray(1), false));
});
server.on("headers", (headers: string[], request) => headers.push(`X-Path: ${request.url}`));
server.on("wsClientError", (error: Error, socket: Duplex) => socket.destroy(error));
http.on("upgrade", (request, socket, head) => {
  if (server.shouldHandle(request) !== true) return;
  server.handleUpgrade(request, socket, head, (client) => {
    server.emit("connection", client, request);
  });
});
export const address: WebSocket.AddressInfo | string | null = server.address();
server.close((error?: Error) => console.log(error?.message));

const hasKey = (certificate: WebSocket.CertMeta): boolean => certificate.length > 0;
const clientOptions: WebSocket.ClientOptions = {
  checkServerIdentity: (_name, certificate: WebSocket.CertMeta) => hasKey(certificate),
  headers: { a: "b" },
  origin: "http://localhost",
  followRedirects: true,
  maxRedirects: 3,
  handshakeTimeout: 1000,
  perMessageDeflate: false,
  rejectUnauthorized: false,
  finishRequest: (request, socket) => {
    request.setHeader("X-Url", socket.url);
    request.end();
  },
};
const client = new WebSocket("ws://localhost", ["chat"], clientOptions);
client.binaryType = "fragments";
client.onmessage = ({ data, target }: WebSocket.MessageEvent) => {
  const text: WebSocket.Data = data;
  target.send(typeof text === "string" ? text : "binary");
};
client.onclose = (event: WebSocket.CloseEvent) =>
  console.log(event.code, event.reason, event.wasClean);
client.onerror = (event: WebSocket.ErrorEvent) => console.log(event.message, event.error);
client.onopen = (event: WebSocket.Event) => console.log(event.type, event.target.protocol);
client.addEventListener("message", { handleEvent: (event) => console.log(event.data) });
client.addEventListener("close", ({ code }) => console.log(code), { once: true });
client.on("unexpected-response", (request, response) => {
  console.log(response.statusCode);
  request.destroy();
});
client.on("upgrade", (response) => console.log(response.headers["sec-websocket-protocol"]));
client.on("redirect", (url, request) => request.setHeader("X-From", url));
client.ping("a", true, (error) => console.log(error));
const stream: Duplex = WebSocket.createWebSocketStream(client, { encoding: "utf8" });
stream.pipe(process.stdout);
if (client.bufferedAmount > 0 && !client.isPaused && client.extensions !== "") client.pause();
client.resume();
client.close(1000, Buffer.from("bye"));
