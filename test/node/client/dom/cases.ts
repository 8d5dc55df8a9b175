import { Blob as NodeBlob } from "node:buffer";
import { ReconnectingWebSocket, WebSocket, WebSocketStream } from "tideway";
import { expect, it } from "vitest";
import { MemoryNetwork } from "../../../../src/testing/index.ts";
import { echo, serveBytes } from "../../../support/servers.ts";

/** Tests that run in an emulated DOM, which replaces classes of Node. */
export function describeClients(): void {
  it("the DOM replaces classes of Node", () => {
    expect(globalThis.document).toBeDefined();
    expect(Event).not.toBe(Object.getPrototypeOf(Object.getPrototypeOf(performance)).constructor);
  });

  it("a WebSocket sends, receives and closes with the events of the DOM", async () => {
    const socket = new WebSocket(await echo());
    socket.binaryType = "arraybuffer";
    const events: Event[] = [];
    for (const type of ["open", "message", "error", "close"]) {
      socket.addEventListener(type, (event) => events.push(event));
    }
    expect(socket).toBeInstanceOf(EventTarget);
    await socket.onOpen.first;
    const messages = socket.onMessage[Symbol.asyncIterator]();
    socket.send("text");
    socket.send(new Uint8Array([1, 2]));
    socket.send(new Blob(["blob"]));
    socket.send(new NodeBlob(["of Node"]) as Blob);
    const next = async (): Promise<unknown> => (await messages.next()).value!.data;
    expect(await next()).toBe("text");
    expect([...new Uint8Array((await next()) as ArrayBuffer)]).toEqual([1, 2]);
    expect(new TextDecoder().decode((await next()) as ArrayBuffer)).toBe("blob");
    expect(new TextDecoder().decode((await next()) as ArrayBuffer)).toBe("of Node");
    const closed = socket.onClose.first;
    socket.close(1000, "done");
    expect(await closed).toMatchObject({ code: 1000, wasClean: true });
    expect(events.map(({ type }) => type)).toEqual([
      "open",
      ...Array.from({ length: 4 }, () => "message"),
      "close",
    ]);
    for (const event of events) expect(event).toBeInstanceOf(Event);
    expect(events[1]).toBeInstanceOf(MessageEvent);
  });

  it("a WebSocket receives Blobs of the DOM and accepts handlers, once and an AbortSignal", async () => {
    const socket = new WebSocket(await echo());
    const calls: string[] = [];
    const controller = new AbortController();
    socket.onopen = () => socket.send(new Uint8Array([1, 2, 3]));
    socket.addEventListener("message", () => calls.push("once"), { once: true });
    socket.addEventListener("message", () => calls.push("signal"), { signal: controller.signal });
    const { data } = await socket.onMessage.first;
    expect(data).toBeInstanceOf(Blob);
    expect((data as Blob).size).toBe(3);
    controller.abort();
    socket.send("again");
    await socket.onMessage.first;
    expect(calls).toEqual(["once", "signal"]);
    const own = new Event("own");
    const observed: unknown[] = [];
    socket.addEventListener("own", (event) => observed.push(event));
    socket.dispatchEvent(own);
    expect(observed).toEqual([own]);
    socket.close();
    await socket.onClose.first;
  });

  it("a refused WebSocket fires error and close", async () => {
    const url = await serveBytes((socket) => {
      socket.end("HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n");
    });
    await expect(new WebSocket(url).onOpen.first).rejects.toMatchObject({ status: 401 });
  });

  it("a ReconnectingWebSocket keeps messages and connects again", async () => {
    const socket = new ReconnectingWebSocket(await echo(), { initialDelayMs: 0 });
    socket.send("kept");
    expect((await socket.onMessage.first).data).toBe("kept");
    const reconnected = socket.onReconnected.first;
    socket.reconnect();
    expect(await reconnected).toBeInstanceOf(Event);
    socket.close();
    await socket.onClose.first;
  });

  it("a WebSocketStream accepts an AbortSignal of the DOM", async () => {
    const controller = new AbortController();
    const url = await echo();
    const stream = new WebSocketStream(url, { signal: controller.signal });
    const { readable, writable } = await stream.opened;
    await writable.getWriter().write("a");
    expect((await readable.getReader().read()).value).toBe("a");
    stream.close();
    await stream.closed;
    controller.abort();
    await expect(new WebSocketStream(url, { signal: controller.signal }).opened).rejects.toBe(
      controller.signal.reason,
    );
  });

  it("a MemoryNetwork connects clients and servers", async () => {
    const network = new MemoryNetwork();
    await using _server = network.serve({
      routes: {
        "ws:/echo": async (socket) => {
          for await (const message of socket) socket.send(message);
        },
      },
    });
    const socket = new network.WebSocket("ws://test/echo");
    await socket.onOpen.first;
    socket.send("a");
    expect((await socket.onMessage.first).data).toBe("a");
    socket.close();
    await socket.onClose.first;
  });
}
