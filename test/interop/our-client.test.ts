import { once } from "node:events";
import { createServer } from "node:http";
import type { WebSocket } from "tideway";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocketServer } from "ws";
import { transport } from "../suite/transports.ts";
import {
  CASES,
  LARGEST,
  expectSameMessage,
  fragmentsOf,
  messageOf,
  fromEvent,
} from "./messages.ts";

describe("our client with the ws server", () => {
  let server: WebSocketServer;
  let url: string;
  let onStop: () => void;

  beforeAll(async () => {
    const http = createServer();
    server = new WebSocketServer({
      server: http,
      maxPayload: LARGEST,
      // The client does not offer it: the ability of the server must not matter.
      perMessageDeflate: true,
      handleProtocols: (offered) => (offered.has("b") ? "b" : false),
    });
    server.on("connection", (socket, { url: path }) => {
      socket.on("message", (data: Buffer, isBinary) => {
        if (path !== "/fragments") {
          socket.send(data, { binary: isBinary });
          return;
        }
        const [first, second, third] = fragmentsOf(data);
        socket.send(first, { binary: isBinary, fin: false });
        socket.ping("between fragments");
        socket.send(second, { binary: isBinary, fin: false });
        socket.send(third, { binary: isBinary, fin: true });
      });
    });
    url = (await transport.network.listen(http)).slice(0, -1);
    onStop = () => void http.close();
  });

  afterAll(() => {
    server.close();
    onStop();
  });

  const open = async (path: string, protocols: string[] = []): Promise<WebSocket> => {
    const socket = new transport.network.WebSocket(url + path, {
      protocols,
      maxMessageBytes: LARGEST,
    });
    socket.binaryType = "arraybuffer";
    await once(socket, "open");
    return socket;
  };

  it.each(CASES)("exchanges %s", async (_, kind, length) => {
    const socket = await open("/");
    const message = messageOf(kind, length);
    socket.send(message);
    const [event] = await once(socket, "message");
    expectSameMessage(fromEvent(event.data), message);
    socket.close();
    await once(socket, "close");
  });

  it.each(CASES)(
    "assembles %s from fragments with a ping between them",
    async (_, kind, length) => {
      const socket = await open("/fragments");
      const message = messageOf(kind, length);
      const [peer] = server.clients;
      const ponged = once(peer, "pong");
      socket.send(message);
      const [event] = await once(socket, "message");
      expectSameMessage(fromEvent(event.data), message);
      expect(String((await ponged)[0])).toBe("between fragments");
      socket.close();
      await once(socket, "close");
    },
  );

  it("accepts a subprotocol of its offer (RFC 6455 4.2.2)", async () => {
    const socket = await open("/", ["a", "b"]);
    expect(socket.protocol).toBe("b");
    socket.close();
    await once(socket, "close");
  });

  it("receives the code and the reason of the server's Close frame", async () => {
    const socket = await open("/");
    const [peer] = server.clients;
    peer.close(4001, "gehört");
    const [event] = await once(socket, "close");
    expect(event).toMatchObject({ code: 4001, reason: "gehört", wasClean: true });
  });

  it("sends the code and the reason of its Close frame", async () => {
    const socket = await open("/");
    const [peer] = server.clients;
    const received = once(peer, "close");
    socket.close(4002, "ça va");
    const [event] = await once(socket, "close");
    expect(event).toMatchObject({ code: 4002, reason: "ça va", wasClean: true });
    const [code, reason] = await received;
    expect([code, String(reason)]).toEqual([4002, "ça va"]);
  });
});
