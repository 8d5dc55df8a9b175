import { describe, expect, it } from "vitest";
import { transport } from "../../suite/transports.ts";
import {
  acceptance,
  deferred,
  echo,
  serveBytes,
  serveWs,
  WebSocketStream,
} from "../../support/servers.ts";

const LENGTH = transport.isFast ? 100_000 : 1000;

describe("WebSocketStream over a connection", () => {
  it("echoes text and bytes and closes with the given code", async () => {
    const stream = new WebSocketStream(await echo(), { protocols: [] });
    const { readable, writable } = await stream.opened;
    const writer = writable.getWriter();
    const reader = readable.getReader();
    await writer.write("d\u{e9}j\u{e0}");
    await writer.write(new Uint8Array(LENGTH).fill(7));
    expect((await reader.read()).value).toBe("d\u{e9}j\u{e0}");
    const { value } = await reader.read();
    expect(value).toEqual(new Uint8Array(LENGTH).fill(7));
    expect(value!.constructor).toBe(Uint8Array);
    stream.close({ closeCode: 3456, reason: "pizza" });
    expect(await stream.closed).toEqual({ closeCode: 3456, reason: "pizza" });
    expect((await reader.read()).done).toBe(true);
  });

  it("receives the messages that arrived with the handshake response, then the close of the server", async () => {
    const url = await serveBytes((socket, request) => {
      socket.end(`${acceptance(request)}\x81\x05early\x88\x07\x0f\xa0robot`, "latin1");
    });
    const stream = new WebSocketStream(url);
    const { readable } = await stream.opened;
    expect(await stream.closed).toEqual({ closeCode: 4000, reason: "robot" });
    const observed: unknown[] = [];
    for await (const message of readable) observed.push(message);
    expect(observed).toEqual(["early"]);
  });

  it("fails when the server answers with another status", async () => {
    const url = await serveBytes((socket) => socket.end("HTTP/1.1 404 Not Found\r\n\r\n"));
    await expect(new WebSocketStream(url).opened).rejects.toMatchObject({
      cause: { code: "UNEXPECTED_STATUS", status: 404 },
    });
  });

  it("closes when a loop over the readable is left", async () => {
    const closed = deferred<number>();
    const url = await serveWs((socket) => {
      socket.on("close", (code) => closed.resolve(code));
      socket.send("one");
    });
    const stream = new WebSocketStream(url);
    for await (const message of (await stream.opened).readable) {
      expect(message).toBe("one");
      break;
    }
    expect(await closed.promise).toBe(1005);
    await stream.closed;
  });
});
