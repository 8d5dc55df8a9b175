// Uses the types of ws as an ES module does.
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import DefaultSocket, {
  createWebSocketStream,
  type AddressInfo,
  type CertMeta,
  type ClientOptions,
  type CloseEvent,
  type Data,
  type ErrorEvent,
  type Event,
  type EventListenerOptions,
  type FinishRequestCallback,
  type MessageEvent,
  type PerMessageDeflateOptions,
  type RawData,
  type Server,
  type ServerOptions,
  type VerifyClientCallbackAsync,
  type VerifyClientCallbackSync,
  WebSocket,
  WebSocketServer,
} from "ws";

const verifySync: VerifyClientCallbackSync = ({ req }) => req.headers.cookie !== undefined;
const verifyAsync: VerifyClientCallbackAsync = (info, callback) =>
  callback(verifySync(info) === true);
const compression: PerMessageDeflateOptions = { serverNoContextTakeover: true };
const options: ServerOptions = {
  port: 0,
  verifyClient: verifyAsync,
  perMessageDeflate: compression,
};
export const server: WebSocketServer = new WebSocketServer(options);
export const base: Server = server;

server.on("connection", (socket: DefaultSocket, request: IncomingMessage) => {
  socket.on("message", (data: RawData) => socket.send(data));
  socket.on("error", (error: Error) => console.log(error.message, request.url));
});
const { port } = server.address() as AddressInfo;
const finishRequest: FinishRequestCallback = (request, socket) => {
  request.setHeader("X-Url", socket.url);
  request.end();
};
const clientOptions: ClientOptions = {
  maxPayload: 10,
  skipUTF8Validation: true,
  checkServerIdentity: (_name, certificate: CertMeta) => certificate.length > 0,
  finishRequest,
};
const client: WebSocket = new WebSocket(`ws://localhost:${port}`, clientOptions);
const listening: EventListenerOptions = { once: true };
client.addEventListener("open", (event: Event) => console.log(event.type), listening);
client.addEventListener("message", (event: MessageEvent) => show(event.data));
client.addEventListener("close", (event: CloseEvent) => console.log(event.code));
client.addEventListener("error", (event: ErrorEvent) => console.log(event.message));
function show(data: Data): void {
  console.log(typeof data === "string" ? data : "binary");
}
export const stream: Duplex = createWebSocketStream(new DefaultSocket(new URL("ws://localhost")));
for (const socket of server.clients) socket.close();
const state: 0 | 1 | 2 | 3 = client.readyState;
if (state === WebSocket.CLOSED) console.log(client.url);
export const last = (received: DefaultSocket.RawData[]): WebSocket.RawData => received.at(-1)!;
