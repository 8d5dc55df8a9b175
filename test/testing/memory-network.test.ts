import type { Socket } from "tideway/server";
import { describe, expect, it } from "vitest";
import { connectedPair, MemoryLink, MemoryNetwork } from "tideway/testing";

describe("connectedPair", () => {
  it("carries messages both ways, in order", async () => {
    await using pair = await connectedPair({ protocol: "test.v1" });
    expect(pair.client.protocol).toBe("test.v1");
    expect(pair.server.protocol).toBe("test.v1");
    pair.client.binaryType = "arraybuffer";
    pair.server.send("hello");
    pair.server.send(Uint8Array.of(1, 2, 3));
    const received: unknown[] = [];
    for await (const { data } of pair.client.onMessage) {
      received.push(data);
      if (received.length === 2) break;
    }
    expect(received).toEqual(["hello", Uint8Array.of(1, 2, 3).buffer]);
    pair.client.send("back");
    const { value } = await pair.server[Symbol.asyncIterator]().next();
    expect(value).toBe("back");
  });

  it.each([{ maxChunkBytes: 1 }, { maxChunkBytes: 3, latencyMs: 1 }, { bufferBytes: 1 }])(
    "carries them whatever the link does to the bytes: %o",
    async (options) => {
      await using pair = await connectedPair(options);
      const text = "häääl ".repeat(200);
      pair.server.listen((message) => void pair.server.send(message));
      pair.client.send(text);
      pair.client.send("end");
      expect((await pair.client.onMessage.first).data).toBe(text);
    },
  );

  it("closes cleanly from either end", async () => {
    for (const side of ["client", "server"] as const) {
      await using pair = await connectedPair();
      pair.server.listen(() => {});
      const closed = pair.client.onClose.first;
      pair[side].close(4000, "enough");
      expect(await closed).toMatchObject({ code: 4000, wasClean: true });
      expect(await pair.server.done).toMatchObject({ code: 4000, wasClean: true });
    }
  });

  it("is closed with 1000 when it is disposed of, so that a loop over it ends", async () => {
    const loop = async (server: Socket): Promise<string> => {
      for await (const _message of server);
      return "ended";
    };
    let whenEnded: Promise<string>;
    {
      await using pair = await connectedPair();
      whenEnded = loop(pair.server);
    }
    expect(await whenEnded).toBe("ended");
  });

  it("breaks at both ends on reset", async () => {
    await using pair = await connectedPair();
    const closed = pair.client.onClose.first;
    pair.link.reset();
    expect(await closed).toMatchObject({ code: 1006, wasClean: false });
    expect(await pair.server.done).toMatchObject({ code: 1006, wasClean: false });
  });

  it("loses nothing in a stall that ends", async () => {
    await using pair = await connectedPair();
    const message = pair.client.onMessage.first;
    pair.link.stall();
    pair.server.send("late");
    let hasCome = false;
    void message.then(() => (hasCome = true));
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
    expect(hasCome).toBe(false);
    pair.link.resume();
    expect((await message).data).toBe("late");
  });

  it("splits a large message at every byte", async () => {
    await using pair = await connectedPair({ maxChunkBytes: 1 });
    const bytes = Uint8Array.from({ length: 200_000 }, (_, index) => index);
    pair.client.binaryType = "arraybuffer";
    const received = pair.client.onMessage.first;
    pair.server.send(bytes);
    expect(new Uint8Array((await received).data as ArrayBuffer)).toEqual(bytes);
  });

  it("ends both ends when it is disposed of while the link has stalled", async () => {
    const pair = await connectedPair();
    const closed = pair.client.onClose.first;
    pair.link.stall();
    await pair[Symbol.asyncDispose]();
    expect(await closed).toMatchObject({ code: 1006 });
    expect(await pair.server.done).toMatchObject({ code: 1006 });
  });

  it.each([{ maxChunkBytes: 0 }, { bufferBytes: 0 }, { latencyMs: -1 }, { latencyMs: NaN }])(
    "refuses the options %o",
    (options) => {
      expect(() => new MemoryLink(options)).toThrow(
        expect.objectContaining({ code: "INVALID_OPTION" }),
      );
    },
  );

  it("makes a writer wait for a reader that does not read", async () => {
    await using pair = await connectedPair({ bufferBytes: 1000 });
    const chunk = new Uint8Array(20_000);
    for (let count = 0; count < 20; count++) pair.client.send(chunk);
    for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
    expect(pair.client.bufferedAmount).toBeGreaterThan(100_000);
    let received = 0;
    const all = new Promise<void>((resolve) => {
      pair.server.listen(() => ++received === 20 && resolve());
    });
    await all;
    expect(received).toBe(20);
  });
});

describe("MemoryNetwork", () => {
  it("routes by path and refuses as over TCP", async () => {
    const network = new MemoryNetwork();
    await using _server = network.serve({
      routes: {
        "ws:/rooms/:room": (socket, { params }) => void socket.send(params.room),
      },
    });
    const socket = new network.WebSocket("ws://any.host/rooms/blue");
    expect((await socket.onMessage.first).data).toBe("blue");
    const refused = new network.WebSocket("ws://any.host/nowhere");
    expect(await refused.onError.first).toMatchObject({
      error: { code: "UNEXPECTED_STATUS", status: 404 },
    });
    socket.close();
    await socket.onClose.first;
  });

  it("refuses connections while nothing is served", async () => {
    const { onClose, onError } = new new MemoryNetwork().WebSocket("ws://any.host/");
    const [error, close] = await Promise.all([onError.first, onClose.first]);
    expect(error).toMatchObject({ error: { code: "CONNECT_FAILED" } });
    expect(close).toMatchObject({ code: 1006, wasClean: false });
  });
});
