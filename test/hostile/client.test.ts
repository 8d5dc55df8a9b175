/** Attacks of hostile servers and pages on clients, byte by byte. */
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import {
  acceptance,
  deferred,
  outcomeOf,
  reset,
  serveBytes,
  WebSocket,
  WebSocketStream,
} from "../support/servers.ts";
import { HOSTILE_FRAMES } from "./frames.ts";

/**
 * A server that accepts, sends `frames` and collects everything that returns, up to a Close frame.
 */
async function serveFrames(frames: string): Promise<{ url: string; answer: Promise<Buffer> }> {
  const { promise: answer, resolve } = deferred<Buffer>();
  const url = await serveBytes((socket, request) => {
    let received = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (unmasked(received).at(-1)?.first !== 0x88) return;
      // RFC 6455 7.1.1: the server closes first.
      if (frames === "") socket.end("\x88\x00", "latin1");
      else socket.end();
    });
    socket.on("close", () => resolve(received));
    socket.write(acceptance(request) + Buffer.from(frames, "hex").toString("latin1"), "latin1");
  });
  return { url, answer };
}

/** The complete frames of a client, unmasked. Throws if one is not masked. */
function unmasked(bytes: Buffer): Array<{ first: number; key: number; payload: Buffer }> {
  const frames = [];
  for (let at = 0; at < bytes.length;) {
    expect(bytes[at + 1] & 0x80).toBe(0x80);
    const length = bytes[at + 1] & 0x7f;
    expect(length).toBeLessThan(126);
    const key = bytes.subarray(at + 2, at + 6);
    const payload = bytes
      .subarray(at + 6, at + 6 + length)
      .map((byte, index) => byte ^ key[index % 4]);
    frames.push({ first: bytes[at], key: key.readUInt32BE(0), payload: Buffer.from(payload) });
    at += 6 + length;
  }
  return frames;
}

describe("invalid frames:", () => {
  it.each(HOSTILE_FRAMES)("%s: the client sends %i and fails", async (_what, code, frames) => {
    const { url, answer } = await serveFrames(frames("server"));
    const socket = new WebSocket(url, { maxMessageBytes: 1000 });
    const outcome = await outcomeOf(socket);
    expect(outcome).toMatchObject({ code: 1006, wasClean: false, error: { closeCode: code } });
    const close = unmasked(await answer).filter(({ first }) => first !== 0x8a);
    expect(close).toMatchObject([{ first: 0x88 }]);
    expect(close[0].payload.readUInt16BE(0)).toBe(code);
  });
});

describe("data that a client sends", () => {
  it("is masked with keys that do not repeat, even across connections", async () => {
    const keys: number[] = [];
    for (let connection = 0; connection < 4; connection++) {
      const { url, answer } = await serveFrames("8800");
      const socket = new WebSocket(url);
      await socket.onOpen.first;
      for (let count = 0; count < 500; count++) socket.send("same text");
      await socket.onClose.first;
      keys.push(...unmasked(await answer).map(({ key }) => key));
    }
    expect(new Set(keys).size).toBe(keys.length);
  });

  it("is exactly the given data of any type, and no adjacent memory", async () => {
    const { url, answer } = await serveFrames("");
    const socket = new WebSocket(url);
    await socket.onOpen.first;
    const bytes = Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8]);
    socket.send(new Float32Array(bytes.buffer, 4, 1));
    socket.send(new DataView(bytes.buffer, 1, 2));
    // By Web IDL, a value without bytes becomes a string. A number is not a length.
    socket.send(1000 as never);
    socket.send({ length: 5 } as never);
    expect(() => socket.close(1000, new Float32Array(40) as never)).not.toThrow();
    const frames = unmasked(await answer);
    expect(frames.map(({ first, payload }) => [first, payload.toString("latin1")])).toEqual([
      [0x82, "\x05\x06\x07\x08"],
      [0x82, "\x02\x03"],
      [0x81, "1000"],
      [0x81, "[object Object]"],
      [0x88, `\x03\xe8${new Float32Array(40).join()}`],
    ]);
  });

  it.each(["a\r\nX-Smuggled: b", "a\nb", "a\0b", "\u20ac", "a\u2028b"])(
    "has no header that contains another: the value %j is refused",
    (value) => {
      expect(() => new WebSocket("ws://127.0.0.1:1/", { headers: { "X-Name": value } })).toThrow(
        expect.objectContaining({ code: "INVALID_OPTION" }) as Error,
      );
    },
  );

  it("has no credentials for another server: a redirect fails and is not followed", async () => {
    const requests: IncomingMessage[] = [];
    const elsewhere = createServer((request, response) => {
      requests.push(request);
      response.end();
    });
    await new Promise<void>((resolve) => elsewhere.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void elsewhere.close());
    const { port } = elsewhere.address() as AddressInfo;
    for (const status of [301, 302, 303, 307, 308]) {
      let count = 0;
      const url = await serveBytes((socket) => {
        count++;
        socket.end(`HTTP/1.1 ${status} Found\r\nLocation: ws://127.0.0.1:${port}/\r\n\r\n`);
      });
      const headers = { authorization: "Bearer secret", cookie: "session=secret" };
      const { error } = await outcomeOf(new WebSocket(url, { headers }));
      expect(error).toMatchObject({ code: "UNEXPECTED_STATUS", status });
      // In memory, all URLs lead to the same server.
      expect(count).toBe(1);
    }
    expect(requests).toEqual([]);
  });
});

describe("text of a server is escaped before it is printed", () => {
  it("in a status line", async () => {
    const url = await serveBytes((socket) =>
      socket.end("HTTP/1.1 403 \x9b31m\x85\r\n\r\n", "latin1"),
    );
    const { error } = await outcomeOf(new WebSocket(url));
    expect((error as Error).message).toMatch(/^[\x20-\x7e]*$/);
    expect((error as Error).message).toContain("\\u009b31m");
  });

  it("in a header", async () => {
    const url = await serveBytes((socket, request) =>
      socket.end(acceptance(request, "Sec-WebSocket-Protocol: \x9b31m\r\n"), "latin1"),
    );
    const { error } = await outcomeOf(new WebSocket(url));
    expect((error as Error).message).toMatch(/^[\x20-\x7e]*$/);
    expect((error as Error).message).toContain("\\u009b31m");
  });
});

describe("when the server resets the connection,", () => {
  it("every promise of a stream settles", async () => {
    const url = await serveBytes((socket, request) => {
      socket.pause();
      socket.write(acceptance(request), () => setImmediate(() => reset(socket)));
    });
    const stream = new WebSocketStream(url);
    const { readable, writable } = await stream.opened;
    const writer = writable.getWriter();
    const write = async (): Promise<void> => {
      for (;;) await writer.write(new Uint8Array(65_536));
    };
    const waiting = [write(), writer.closed, readable.getReader().read(), stream.closed];
    const settled = await Promise.allSettled(waiting);
    expect(settled.map(({ status }) => status)).toEqual(Array(4).fill("rejected"));
  });
});
