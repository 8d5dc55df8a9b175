// Uses the types of ws with the import syntax of ES modules, compiled to CommonJS.
import DefaultSocket, {
  WebSocketServer,
  createWebSocketStream,
  type RawData,
  type ServerOptions,
} from "ws";
const options: ServerOptions = { port: 0 };
const server: DefaultSocket.Server = new WebSocketServer(options);
server.on("connection", (socket) => socket.on("message", (data: RawData) => socket.send(data)));
export const stream = createWebSocketStream(new DefaultSocket("ws://localhost"));
