import type { Duplex } from "node:stream";
import type TheirWebSocket from "ws";
import type { RawData as TheirRawData, WebSocketServer as TheirServer } from "ws";
import { describe, expectTypeOf, it } from "vitest";
import WebSocket, {
  createWebSocketStream,
  Server,
  WebSocket as NamedWebSocket,
  WebSocketServer,
} from "tideway/ws";

// The functions of an application that is written for `@types/ws`. They are only type-checked.

const onMessage = (data: TheirRawData, isBinary: boolean): string =>
  isBinary ? "" : (data as Buffer).toString();

const useSocket = (socket: TheirWebSocket): void => {
  socket.on("message", onMessage);
  socket.send("text", { binary: false }, () => {});
};

const useClass = (create: typeof TheirWebSocket): TheirWebSocket => new create("ws://127.0.0.1");

const useServer = (server: TheirServer): void => {
  server.on("connection", useSocket);
};

describe("the types of tideway/ws", () => {
  it("let a socket be used as a socket of @types/ws", () => {
    const socket: TheirWebSocket = {} as WebSocket;
    expectTypeOf(useSocket).toBeCallableWith({} as WebSocket);
    expectTypeOf(socket).toEqualTypeOf<TheirWebSocket>();
  });

  it("let the class be used as the class of @types/ws", () => {
    const create: typeof TheirWebSocket = {} as typeof WebSocket;
    expectTypeOf(useClass).toBeCallableWith({} as typeof WebSocket);
    expectTypeOf(create).toEqualTypeOf<typeof TheirWebSocket>();
  });

  it("let a server be used as a server of @types/ws", () => {
    const server: TheirServer = {} as WebSocketServer;
    expectTypeOf(useServer).toBeCallableWith({} as WebSocketServer);
    expectTypeOf(server).toEqualTypeOf<TheirServer>();
  });

  it("let a listener of @types/ws listen on a socket", () => {
    const listen = (socket: WebSocket): WebSocket => socket.on("message", onMessage);
    expectTypeOf(listen).returns.toEqualTypeOf<WebSocket>();
  });

  it("have the exports of ws", () => {
    expectTypeOf(createWebSocketStream).returns.toEqualTypeOf<Duplex>();
    expectTypeOf(NamedWebSocket).toEqualTypeOf(WebSocket);
    expectTypeOf(Server).toEqualTypeOf(WebSocketServer);
  });

  it("have the types of @types/ws as members of the class", () => {
    expectTypeOf<WebSocket.RawData>().toEqualTypeOf<TheirRawData>();
    expectTypeOf<WebSocket.Data>().toEqualTypeOf<TheirWebSocket.Data>();
    expectTypeOf<WebSocket.Server>().toEqualTypeOf<WebSocketServer>();
    expectTypeOf<WebSocket.WebSocketServer>().toEqualTypeOf<WebSocketServer>();
    expectTypeOf<WebSocket.MessageEvent["data"]>().toEqualTypeOf<TheirWebSocket.Data>();
    expectTypeOf<WebSocket.ServerOptions["port"]>().toExtend<number | null | undefined>();
    expectTypeOf<typeof WebSocket.createWebSocketStream>().returns.toEqualTypeOf<Duplex>();
    expectTypeOf<InstanceType<typeof WebSocket.Server>>().toExtend<WebSocketServer>();
  });

  it("infer the arguments of listeners", () => {
    const socket = {} as WebSocket;
    const listen = (target: WebSocket): WebSocket =>
      target.on("message", (data, isBinary) => {
        expectTypeOf(data).toEqualTypeOf<WebSocket.RawData>();
        expectTypeOf(isBinary).toEqualTypeOf<boolean>();
      });
    expectTypeOf(listen).returns.toEqualTypeOf<WebSocket>();
    socket.onmessage = (event) => {
      expectTypeOf(event.data).toEqualTypeOf<WebSocket.Data>();
    };
  });
});
