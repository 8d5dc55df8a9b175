import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { defineCloseEvent } from "../../src/client/close-event.ts";
import type * as Browser from "../../src/browser/index.ts";
import * as node from "../../src/node/index.ts";

/** Replaces the native class, which only a browser has. */
class NativeWebSocket extends EventTarget {
  static readonly made: NativeWebSocket[] = [];
  readonly args: unknown[];
  readyState = 0;
  readonly sent: unknown[] = [];
  binaryType = "blob";

  constructor(...args: unknown[]) {
    super();
    this.args = args;
    NativeWebSocket.made.push(this);
  }

  send(data: unknown): void {
    this.sent.push(data);
  }

  close(): void {}
}

const load = (): Promise<typeof Browser> => import("../../src/browser/index.ts");

beforeEach(() => vi.resetModules());
afterEach(() => vi.unstubAllGlobals());

describe("the entry point for browsers", () => {
  it("exports a WebSocket that extends the native class", async () => {
    vi.stubGlobal("WebSocket", NativeWebSocket);
    const { WebSocket } = await load();
    expect(WebSocket.supported).toBe(true);
    expect(WebSocket.name).toBe("WebSocket");
    expect(WebSocket.length).toBe(1);
    const socket = new WebSocket("/chat", ["a", "b"]);
    expect(socket).toBeInstanceOf(NativeWebSocket);
    expect(NativeWebSocket.made.at(-1)!.args).toEqual(["/chat", ["a", "b"]]);
    const first = socket.onMessage.first;
    const event = new MessageEvent("message", { data: "x" });
    socket.dispatchEvent(event);
    expect(await first).toBe(event);
    socket.sendString("y");
    expect(NativeWebSocket.made.at(-1)!.sent).toEqual(["y"]);
  });

  it("does not change the native class", async () => {
    vi.stubGlobal("WebSocket", NativeWebSocket);
    const names = Object.getOwnPropertyNames(NativeWebSocket.prototype);
    await load();
    expect(globalThis.WebSocket).toBe(NativeWebSocket);
    expect(Object.getOwnPropertyNames(NativeWebSocket.prototype)).toEqual(names);
  });

  it("reads the subprotocols from options, like the class for Node", async () => {
    vi.stubGlobal("WebSocket", NativeWebSocket);
    const { WebSocket } = await load();
    const sockets = [
      new WebSocket("ws://host", {
        protocols: ["a"],
        compression: false,
        ...({ headers: undefined } as object),
      }),
      new WebSocket("ws://host", {}),
      new WebSocket("ws://host", "b"),
      new WebSocket("ws://host", "b", {}),
      new WebSocket("ws://host", undefined, { protocols: "c" }),
      new WebSocket("ws://host", undefined, undefined),
      new WebSocket("ws://host"),
    ];
    expect(sockets.map((socket) => (socket as unknown as NativeWebSocket).args[1])).toEqual([
      ["a"],
      undefined,
      "b",
      "b",
      "c",
      undefined,
      undefined,
    ]);
  });

  it("ignores limits that the browser decides, and refuses other options of Node before it connects", async () => {
    vi.stubGlobal("WebSocket", NativeWebSocket);
    const { ReconnectingWebSocket, UsageError, WebSocket } = await load();
    const { length } = NativeWebSocket.made;
    const options = [
      { headers: {} },
      { tls: {} },
      { createConnection: () => {} },
      { signal: AbortSignal.abort() },
      { compresion: true },
    ];
    for (const option of options) {
      const refused = expect.objectContaining({
        name: "UsageError",
        code: "INVALID_OPTION",
        message: `no option ${Object.keys(option)[0]} in a browser`,
      });
      const cast = option as object;
      expect(() => new WebSocket("ws://host", cast)).toThrow(refused);
      expect(() => new WebSocket("ws://host", "a", cast)).toThrow(refused);
      expect(() => new ReconnectingWebSocket("ws://host", { webSocketOptions: cast })).toThrow(
        refused,
      );
    }
    expect(() => new WebSocket("ws://host", {}, {})).toThrow(UsageError);
    expect(() => new WebSocket("ws://host", "a", { protocols: "a" })).toThrow(UsageError);
    expect(NativeWebSocket.made).toHaveLength(length);
    const tuning = {
      compression: false,
      maxMessageBytes: 1,
      handshakeTimeoutMs: 1,
      closeTimeoutMs: 1,
      heartbeat: {},
    };
    expect(new WebSocket("ws://host", tuning).readyState).toBe(0);
    expect(NativeWebSocket.made).toHaveLength(length + 1);
  });

  it("exports a ReconnectingWebSocket that uses the native class", async () => {
    vi.stubGlobal("WebSocket", NativeWebSocket);
    vi.stubGlobal("CloseEvent", defineCloseEvent());
    const { ReconnectingWebSocket } = await load();
    const socket = new ReconnectingWebSocket("ws://host", { initialDelayMs: 0 });
    const reconnecting = socket.onReconnecting.first;
    NativeWebSocket.made.at(-1)!.dispatchEvent(new CloseEvent("close", { code: 1012 }));
    expect(await reconnecting).toMatchObject({ attempt: 1, code: 1012 });
    socket.close();
    await socket.onClose.first;
  });

  it("exports the native WebSocketStream and WebSocketError", async () => {
    const [NativeStream, NativeError] = [vi.fn(), vi.fn()];
    vi.stubGlobal("WebSocketStream", NativeStream);
    vi.stubGlobal("WebSocketError", NativeError);
    const { WebSocketError, WebSocketStream } = await load();
    expect([WebSocketStream, WebSocketError]).toEqual([NativeStream, NativeError]);
  });

  it("throws UNSUPPORTED for a missing WebSocketStream only when one is created", async () => {
    vi.stubGlobal("WebSocketStream", undefined);
    vi.stubGlobal("WebSocketError", undefined);
    const { WebSocketError, WebSocketStream } = await load();
    const unsupported = expect.objectContaining({ name: "UsageError", code: "UNSUPPORTED" });
    expect(() => new WebSocketStream("ws://host")).toThrow(unsupported);
    expect(() => new WebSocketError()).toThrow(unsupported);
  });

  it("can be imported if there is no native WebSocket: supported is false, and the constructor throws", async () => {
    vi.stubGlobal("WebSocket", undefined);
    vi.stubGlobal("CloseEvent", undefined);
    const { WebSocket, ReconnectingWebSocket } = await load();
    const unsupported = expect.objectContaining({ name: "UsageError", code: "UNSUPPORTED" });
    expect(WebSocket.supported).toBe(false);
    expect(() => new WebSocket("ws://host")).toThrow(unsupported);
    expect(() => new ReconnectingWebSocket("ws://host")).toThrow(unsupported);
  });

  it("exports the same names as the entry point for Node", async () => {
    const browser = await load();
    expect(Object.keys(node)).toEqual(expect.arrayContaining(Object.keys(browser)));
  });
});
