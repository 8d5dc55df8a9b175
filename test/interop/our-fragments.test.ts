import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { WebSocket as UndiciWebSocket } from "undici";
import { afterAll, beforeAll, describe, it } from "vitest";
import { WebSocket as WsWebSocket, WebSocketServer } from "ws";
import type { Connection } from "../../src/connection/connection.ts";
import { fastEnvironment } from "../../src/node/serve/tcp-environments.ts";
import { openConnection } from "../../src/node/tcp/open-connection.ts";
import {
  CASES,
  LARGEST,
  type Message,
  expectSameMessage,
  messageOf,
  fromEvent,
} from "./messages.ts";

// Odd, so that characters of more than one byte are split.
const OPTIONS = { protocol: "", extensions: "", maxMessageBytes: LARGEST, maxFrameBytes: 16_381 };

describe("our messages in fragments (RFC 6455 5.4), sent by a server,", () => {
  const server = createServer();
  let url: string;

  beforeAll(async () => {
    server.on("upgrade", ({ headers }, socket: Duplex) => {
      const key = `${headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
      const accept = createHash("sha1").update(key).digest("base64");
      socket.write(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
          `Sec-WebSocket-Accept: ${accept}\r\n\r\n`,
      );
      echoOver(openConnection(fastEnvironment, socket, { role: "server", ...OPTIONS }));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  afterAll(() => {
    server.close();
  });

  it.each(CASES)("reach the ws client: %s", async (_, kind, length) => {
    const socket = new WsWebSocket(url, { perMessageDeflate: false, maxPayload: LARGEST });
    await once(socket, "open");
    const message = messageOf(kind, length);
    socket.send(message);
    const [data, isBinary] = (await once(socket, "message")) as [Buffer, boolean];
    expectSameMessage(isBinary ? data : data.toString(), message);
    socket.close();
    await once(socket, "close");
  });

  it.each(CASES)("reach undici's client: %s", async (_, kind, length) => {
    const socket = new UndiciWebSocket(url);
    socket.binaryType = "arraybuffer";
    await once(socket, "open");
    const message = messageOf(kind, length);
    socket.send(message);
    const [event] = await once(socket, "message");
    expectSameMessage(fromEvent(event.data), message);
    socket.close();
    await once(socket, "close");
  });
});

describe("our messages in fragments (RFC 6455 5.4), sent by a client,", () => {
  let server: WebSocketServer;

  beforeAll(async () => {
    server = new WebSocketServer({ port: 0, host: "127.0.0.1", maxPayload: LARGEST });
    server.on("connection", (socket) => {
      socket.on("message", (data, isBinary) => {
        socket.send(data, { binary: isBinary });
      });
    });
    await once(server, "listening");
  });

  afterAll(() => {
    server.close();
  });

  it.each(CASES)("reach the ws server: %s", async (_, kind, length) => {
    const upgrade = request({
      port: (server.address() as AddressInfo).port,
      host: "127.0.0.1",
      headers: {
        connection: "Upgrade",
        upgrade: "websocket",
        "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
        "sec-websocket-version": "13",
      },
    });
    upgrade.end();
    const [, socket, head] = (await once(upgrade, "upgrade")) as [unknown, Duplex, Uint8Array];
    const connection = openConnection(fastEnvironment, socket, {
      role: "client",
      head,
      ...OPTIONS,
    });
    const message = messageOf(kind, length);
    expectSameMessage(await echoOf(connection, message), message);
  });
});

function echoOver(connection: Connection): void {
  connection.start({
    onText: (text) => connection.sendText(text),
    onBinary: (bytes) => connection.sendBinary(bytes),
    onClosing() {},
    onClose() {},
  });
}

/** Sends `message` and resolves with the response after a clean close. */
function echoOf(connection: Connection, message: Message): Promise<Message> {
  return new Promise((resolve, reject) => {
    let received: Message | undefined;
    const receive = (echo: Message): void => {
      received = echo;
      connection.close(1000);
    };
    connection.start({
      onText: receive,
      onBinary: (bytes) => receive(bytes.slice()),
      onClosing() {},
      onClose({ wasClean, error }) {
        if (wasClean && received !== undefined) resolve(received);
        else reject(error ?? new Error("closed without an echo"));
      },
    });
    if (typeof message === "string") connection.sendText(message);
    else connection.sendBinary(message);
  });
}
