import { once } from "node:events";
import type { Socket as NetSocket } from "node:net";
import { WebSocket as UndiciWebSocket } from "undici";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket as WsWebSocket } from "ws";
import { type Running, transport } from "../suite/transports.ts";
import { ECHO } from "./echo-server.ts";
import {
  CASES,
  LARGEST,
  expectSameMessage,
  fragmentsOf,
  fromEvent,
  messageOf,
} from "./messages.ts";

let server: Running;
let url: string;

beforeAll(async () => {
  server = await transport.serve(ECHO);
  url = server.url.replace("http", "ws");
});

afterAll(async () => {
  await server.stop();
});

describe("our server with the ws client", () => {
  const open = async (path: string, protocols: string[] = []): Promise<WsWebSocket> => {
    // The client offers compression by default: the server may decline.
    const socket = new WsWebSocket(url + path, protocols, {
      maxPayload: LARGEST,
      createConnection: () => server.connect().socket as NetSocket,
    });
    await once(socket, "open");
    return socket;
  };
  const next = async (socket: WsWebSocket): Promise<string | Buffer> => {
    const [data, isBinary] = (await once(socket, "message")) as [Buffer, boolean];
    return isBinary ? data : data.toString();
  };
  const close = async (socket: WsWebSocket): Promise<void> => {
    socket.close();
    await once(socket, "close");
  };

  it.each(CASES)("exchanges %s", async (_, kind, length) => {
    const socket = await open("/echo");
    const message = messageOf(kind, length);
    socket.send(message);
    expectSameMessage(await next(socket), message);
    await close(socket);
  });

  it.each(CASES)(
    "assembles %s from fragments with a ping between them",
    async (_, kind, length) => {
      const socket = await open("/echo");
      const message = messageOf(kind, length);
      const binary = kind === "binary";
      const [first, second, third] = fragmentsOf(message);
      const ponged = once(socket, "pong");
      const echoed = next(socket);
      socket.send(first, { binary, compress: false, fin: false });
      socket.ping("between fragments");
      socket.send(second, { binary, compress: false, fin: false });
      socket.send(third, { binary, compress: false, fin: true });
      expect(String((await ponged)[0])).toBe("between fragments");
      expectSameMessage(await echoed, message);
      await close(socket);
    },
  );

  it("selects the first of its subprotocols that is offered", async () => {
    const socket = await open("/echo", ["a", "b"]);
    expect(socket.protocol).toBe("b");
    await close(socket);
  });

  it("closes with a code and a reason", async () => {
    const socket = await open("/farewell");
    socket.send("ça va");
    const [code, reason] = await once(socket, "close");
    expect([code, String(reason)]).toEqual([4001, "ça va"]);
  });
});

// It opens its connections itself.
describe.runIf(transport.hasPorts)("our server with undici's WebSocket", () => {
  const open = async (path: string, protocols: string[] = []): Promise<UndiciWebSocket> => {
    const socket = new UndiciWebSocket(url + path, protocols);
    socket.binaryType = "arraybuffer";
    await once(socket, "open");
    return socket;
  };

  it.each(CASES)("exchanges %s", async (_, kind, length) => {
    const socket = await open("/echo");
    const message = messageOf(kind, length);
    socket.send(message);
    const [event] = await once(socket, "message");
    expectSameMessage(fromEvent(event.data), message);
    socket.close(1000, "thanks");
    const [closed] = await once(socket, "close");
    expect(closed).toMatchObject({ code: 1000, wasClean: true });
  });

  it("selects the first of its subprotocols that is offered", async () => {
    const socket = await open("/echo", ["a", "b"]);
    expect(socket.protocol).toBe("b");
    socket.close();
    await once(socket, "close");
  });

  it("closes with a code and a reason", async () => {
    const socket = await open("/farewell");
    socket.send("ça va");
    const [event] = await once(socket, "close");
    expect(event).toMatchObject({ code: 4001, reason: "ça va", wasClean: true });
  });
});
