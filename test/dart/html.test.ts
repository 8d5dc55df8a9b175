import { WebSocket as UndiciWebSocket } from "undici";
import { describe, expect, it } from "vitest";
import { WebSocket } from "tideway";
import { serve } from "tideway/server";
import { connectedPair, MemoryNetwork } from "tideway/testing";

describe("the WebSocket of dart:html", () => {
  it("is created from a url and subprotocols, and has url, protocol and extensions", async () => {
    const network = new MemoryNetwork();
    await using _server = network.serve({
      routes: { "ws:/chat": { protocols: ["b"], handle: (socket) => socket.close() } },
    });
    const socket = new network.WebSocket("ws://host/chat", ["a", "b"]);
    expect([socket.url, socket.protocol, socket.extensions]).toEqual(["ws://host/chat", "", ""]);
    await socket.onOpen.first;
    expect([socket.protocol, socket.extensions]).toEqual(["b", ""]);
    await socket.onClose.first;
  });

  it("has the readyState CONNECTING, OPEN, CLOSING and CLOSED", async () => {
    const network = new MemoryNetwork();
    await using _server = network.serve({
      routes: { "ws:/": (socket) => socket.listen(() => {}) },
    });
    const socket = new network.WebSocket("ws://host/");
    expect(socket.readyState).toBe(WebSocket.CONNECTING);
    await socket.onOpen.first;
    expect(socket.readyState).toBe(WebSocket.OPEN);
    socket.close();
    expect(socket.readyState).toBe(WebSocket.CLOSING);
    await socket.onClose.first;
    expect(socket.readyState).toBe(WebSocket.CLOSED);
  });

  it("delivers binary messages as binaryType says", async () => {
    await using pair = await connectedPair();
    const messages = pair.client.onMessage[Symbol.asyncIterator]();
    expect(pair.client.binaryType).toBe("blob");
    pair.server.send(Uint8Array.of(1));
    expect((await messages.next()).value!.data).toBeInstanceOf(Blob);
    pair.client.binaryType = "arraybuffer";
    pair.server.send(Uint8Array.of(2));
    expect((await messages.next()).value!.data).toEqual(Uint8Array.of(2).buffer);
  });

  it("counts unsent bytes in bufferedAmount", async () => {
    await using pair = await connectedPair();
    expect(pair.client.bufferedAmount).toBe(0);
    pair.client.send("12345");
    expect(pair.client.bufferedAmount).toBe(5);
    await pair.server[Symbol.asyncIterator]().next();
    expect(pair.client.bufferedAmount).toBe(0);
  });

  it("has the streams onOpen, onMessage, onError and onClose", async () => {
    const network = new MemoryNetwork();
    await using _server = network.serve({
      routes: {
        "ws:/": (socket) => {
          socket.send("hello");
          socket.send("world");
          socket.close(4000, "bye");
        },
      },
    });
    const socket = new network.WebSocket("ws://host/");
    const log: unknown[] = [];
    socket.onOpen.listen(({ type }) => log.push(type));
    socket.onMessage.map(({ data }) => data).listen((data) => log.push(data));
    socket.onClose.listen(({ code, reason, wasClean }) => log.push([code, reason, wasClean]));
    await socket.onClose.first;
    expect(log).toEqual(["open", "hello", "world", [4000, "bye", true]]);
    const refused = new network.WebSocket("ws://host/nowhere");
    expect(await refused.onError.first).toMatchObject({ type: "error" });
  });

  it("adds listeners by on.message.add and removes them by remove", async () => {
    await using pair = await connectedPair();
    const observed: unknown[] = [];
    const listener = ({ data }: { data: unknown }): void => void observed.push(data);
    pair.client.on.message.add(listener);
    pair.server.send("a");
    await pair.client.onMessage.first;
    pair.client.on.message.remove(listener);
    pair.server.send("b");
    await pair.client.onMessage.first;
    expect(observed).toEqual(["a"]);
  });

  it("provides the streams of any WebSocket, even of another library, by static members", async () => {
    await using server = await serve({
      port: 0,
      host: "127.0.0.1",
      routes: { "ws:/": (socket) => (socket.send("hello"), socket.close(4000)) },
    });
    const foreign = new UndiciWebSocket(`ws://127.0.0.1:${server.port}/`);
    const opened = WebSocket.openEvent.forTarget(foreign).first;
    const message = WebSocket.messageEvent.forTarget(foreign).first;
    const close = WebSocket.closeEvent.forTarget(foreign).first;
    await opened;
    expect((await message).data).toBe("hello");
    expect((await close).code).toBe(4000);
    const refused = new UndiciWebSocket(`ws://127.0.0.1:${server.port}/nowhere`);
    expect((await WebSocket.errorEvent.forTarget(refused).first).type).toBe("error");
  });

  it("reports by supported whether a WebSocket can be created", () => {
    expect(WebSocket.supported).toBe(true);
  });

  it("sends text, a Blob, a buffer and a view by send, or each by its own method", async () => {
    await using pair = await connectedPair();
    pair.client.send("any");
    pair.client.sendString("text");
    pair.client.sendBlob(new Blob(["blob"]));
    pair.client.sendByteBuffer(Uint8Array.of(1, 2).buffer);
    pair.client.sendTypedData(Uint8Array.of(3, 4).subarray(1));
    pair.client.close();
    const received: unknown[] = [];
    for await (const message of pair.server) {
      received.push(typeof message === "string" ? message : [...message]);
    }
    expect(received).toEqual(["any", "text", [...Buffer.from("blob")], [1, 2], [4]]);
  });

  it("is closed with a code and a reason", async () => {
    await using pair = await connectedPair();
    pair.server.listen(() => {});
    pair.client.close(3001, "done");
    expect(await pair.server.done).toMatchObject({ code: 3001, reason: "done" });
  });

  it("is an EventTarget", async () => {
    await using pair = await connectedPair();
    const observed: string[] = [];
    const listener = ({ type }: Event): void => void observed.push(type);
    pair.client.addEventListener("mine", listener);
    pair.client.dispatchEvent(new Event("mine"));
    pair.client.removeEventListener("mine", listener);
    pair.client.dispatchEvent(new Event("mine"));
    expect(observed).toEqual(["mine"]);
  });

  it("loses no event while a subscription is paused", async () => {
    await using pair = await connectedPair();
    const observed: unknown[] = [];
    const subscription = pair.client.onMessage.listen(({ data }) => observed.push(data));
    subscription.pause();
    pair.server.send("a");
    pair.server.send("b");
    await pair.client.onMessage.where(({ data }) => data === "b").first;
    expect(observed).toEqual([]);
    subscription.resume();
    expect(observed).toEqual(["a", "b"]);
    subscription.cancel();
  });
});
