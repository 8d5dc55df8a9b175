/** Sends a message to all peers, closes the connections and exits, in one turn, when a message arrives. */
import { WebSocket } from "tideway";
import { type Server, serve, type ServeOptions } from "tideway/server";
import { WebSocket as WsClient, WebSocketServer } from "tideway/ws";

interface Arguments {
  readonly kind: string;
  /** Whether to do it in a listener for the exit of the process. */
  readonly isInListener: boolean;
  /** The URL of the server to connect to. */
  readonly url?: string;
  /** Options of `serve`. */
  readonly options?: ServeOptions;
}

interface Closable {
  send(text: string): unknown;
  close(code: number): void;
}

function leave(sockets: Iterable<Closable>): void {
  const say = (): void => {
    for (const socket of sockets) {
      socket.send("bye");
      socket.close(4000);
    }
  };
  if (isInListener) process.on("exit", say);
  else say();
  process.exit(3);
}

const { kind, isInListener, url = "", options } = JSON.parse(process.argv[2]) as Arguments;

if (kind === "tideway/server") {
  const server: Server = await serve({
    host: "127.0.0.1",
    port: 0,
    ...options,
    routes: { "ws:/": (socket) => socket.listen(() => leave(server.sockets)) },
  });
  console.log(server.url);
} else if (kind === "a server of tideway/ws") {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 }, () => {
    console.log(`http://127.0.0.1:${(server.address() as { port: number }).port}`);
  });
  server.on("connection", (socket) => socket.on("message", () => leave(server.clients)));
} else if (kind === "a client of tideway/ws") {
  const client = new WsClient(url);
  client.on("message", () => leave([client]));
} else {
  const client = new WebSocket(url);
  client.addEventListener("message", () => leave([client]));
}
