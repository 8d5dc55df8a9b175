import { createServer as createHttpServer, type Server as HttpServer } from "node:http";
import { createServer as createHttpsServer, type ServerOptions as HttpsOptions } from "node:https";
import { createServer, type Server, type Socket } from "node:net";
import { createHash } from "node:crypto";
import { onTestFinished } from "vitest";
import { type ServerOptions, type WebSocket as WsSocket, WebSocketServer } from "ws";
import { transport } from "../suite/transports.ts";
import { TLS } from "./certificate.ts";
import { eventsOf } from "../client/fake-connector.ts";
import type { WebSocket as Client } from "../../src/node/index.ts";

/** The clients of this run's transport, for the servers here. */
export const { WebSocket, WebSocketStream, ReconnectingWebSocket, reset } = transport.network;

/** Starts a server that is closed at the end of the test. Returns its URL. */
async function listen(server: Server | HttpServer): Promise<string> {
  onTestFinished(async () => {
    if ("closeAllConnections" in server) server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return await transport.network.listen(server);
}

/** A server of the `ws` package. Returns its URL. */
export async function serveWs(
  onConnection: (socket: WsSocket) => void,
  options: ServerOptions = {},
  http: HttpServer = createHttpServer(),
): Promise<string> {
  const server = new WebSocketServer({ ...options, server: http });
  server.on("connection", onConnection);
  onTestFinished(() => {
    for (const socket of server.clients) socket.terminate();
    server.close();
  });
  return await listen(http);
}

/**
 * A server of the `ws` package over TLS for `localhost`, which sends "secure" by default. Returns
 * its URL.
 */
export async function serveSecurely(
  options: HttpsOptions = {},
  onConnection = (socket: WsSocket): void => socket.send("secure"),
): Promise<string> {
  const https = createHttpsServer({ ...TLS, ...options });
  const url = await serveWs(onConnection, {}, https);
  return url.replace("ws://127.0.0.1", "wss://localhost");
}

/** Like {@link serveSecurely}, and records the server name that each client sends; false if it sends none. */
export async function recordServerNames(): Promise<{ url: string; names: readonly unknown[] }> {
  const names: unknown[] = [];
  const url = await serveSecurely({}, (peer) => {
    const { _socket: socket } = peer as unknown as { _socket: { servername: unknown } };
    names.push(socket.servername);
    peer.send("secure");
  });
  return { url, names };
}

/** A server that echoes each message. */
export const echo = (options?: ServerOptions): Promise<string> =>
  serveWs(
    (socket) => socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary })),
    options,
  );

/**
 * A server for bytes: calls back with each socket and its whole opening handshake. Returns the URL.
 */
export async function serveBytes(
  onRequest: (socket: Socket, request: string) => void,
): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    let request = "";
    socket.on("error", () => {});
    socket.on("end", () => socket.end());
    socket.on("data", function onData(chunk) {
      request += chunk.toString("latin1");
      if (!request.endsWith("\r\n\r\n")) return;
      socket.off("data", onData);
      socket.resume();
      onRequest(socket, request);
    });
  });
  const url = await listen(server);
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
  });
  return url;
}

/** The response that accepts an opening handshake (RFC 6455 4.2.2). */
export function acceptance(request: string, moreFields = ""): string {
  const key = /^sec-websocket-key: (.*)\r$/im.exec(request)![1];
  const accept = createHash("sha1")
    .update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    .digest("base64");
  return (
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
    `Sec-WebSocket-Accept: ${accept}\r\n${moreFields}\r\n`
  );
}

/** The events of a socket, once it is closed. */
export interface Outcome {
  readonly events: string[];
  readonly error: unknown;
  readonly code: number;
  readonly reason: string;
  readonly wasClean: boolean;
  readonly readyState: number;
}

/** Waits for the end of a socket. */
export async function outcomeOf(socket: Client): Promise<Outcome> {
  const events = eventsOf(socket);
  let error: unknown;
  socket.addEventListener("error", (event) => (error = event.error));
  const { code, reason, wasClean } = await socket.onClose.first;
  return { events, error, code, reason, wasClean, readyState: socket.readyState };
}

/**
 * Sends a message once the socket is open, waits for a message, and closes. Returns the message.
 */
export async function greet(socket: Client): Promise<unknown> {
  await socket.onOpen.first;
  socket.send("hello");
  const { data } = await socket.onMessage.first;
  socket.close(1000);
  await socket.onClose.first;
  return data;
}

/** A promise with the functions that settle it. */
export function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((settle) => (resolve = settle));
  return { promise, resolve };
}
