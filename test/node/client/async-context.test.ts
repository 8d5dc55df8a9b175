import { AsyncLocalStorage } from "node:async_hooks";
import { createServer, type Server } from "node:net";
import { WebSocket, type WebSocketOptions } from "tideway";
import { describe, expect, it, onTestFinished } from "vitest";
import { listenOnLoopback } from "./loopback.ts";

const storage = new AsyncLocalStorage<string>();

/** A server that answers each request with `answer`. Undefined for no answer. */
async function serveAnswers(answer?: string): Promise<string> {
  const server: Server = createServer((socket) => {
    onTestFinished(() => void socket.destroy());
    socket.on("error", () => {});
    if (answer !== undefined) socket.once("data", () => socket.write(answer));
  });
  return `ws://127.0.0.1:${await listenOnLoopback(server)}`;
}

/** The store of each event of a client that is created with the store "client". */
function storesOf(url: string, options: WebSocketOptions = {}): Promise<unknown[]> {
  return storage.run("client", () => {
    const socket = new WebSocket(url, options);
    const stores: unknown[] = [];
    return new Promise((resolve) => {
      for (const type of ["open", "error", "close"]) {
        socket.addEventListener(type, () => {
          stores.push(type, storage.getStore());
          if (type === "close") resolve(stores);
        });
      }
    });
  });
}

describe("the AsyncLocalStorage store in events of a client", () => {
  it.each([
    ["the server does not answer", undefined, { handshakeTimeoutMs: 1 }],
    ["the body of a refusal is not complete", "HTTP/1.1 403 No\r\nContent-Length: 9\r\n\r\n", {}],
  ])(
    "is the store of the constructor call when %s, even if another client started the timer",
    async (_, text, options) => {
      const url = await serveAnswers(text);
      const other = storage.run("other", () => new WebSocket(url));
      const stores = await storesOf(url, options);
      other.close();
      expect(stores).toEqual(["error", "close"].flatMap((type) => [type, "client"]));
    },
  );
});
