import { once } from "node:events";
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { describe, expect, it, vi } from "vitest";
import { type SendableData, WebSocket } from "../../src/ws/index.ts";
import { deferred } from "../../src/server/socket/deferred.ts";
import { uncaughtErrorsOf } from "../support/uncaught-errors.ts";
import { webSocketPair } from "./pair.ts";

/** Creates two connected streams, as duplexPair of node:stream does, which Node.js 20 lacks. */
function duplexPair(): [Duplex, Duplex] {
  const create = (other: () => Duplex): Duplex =>
    new Duplex({
      read: () => {},
      write: (chunk, _encoding, done) => {
        other().push(chunk);
        done();
      },
      destroy: (error, done) => {
        other().push(null);
        done(error);
      },
    });
  const near: Duplex = create(() => far);
  const far: Duplex = create(() => near);
  return [near, far];
}

describe("a WebSocket", () => {
  it("is connecting until setSocket opens it", async () => {
    expect(new WebSocket(null).readyState).toBe(WebSocket.CONNECTING);
    const { client, server } = await webSocketPair();
    expect([client.readyState, server.readyState]).toEqual([WebSocket.OPEN, WebSocket.OPEN]);
    client.terminate();
    await once(server, "close");
  });

  it.each([
    ["client", "server"],
    ["server", "client"],
  ] as const)("sends text and bytes from the %s to the %s", async (from, to) => {
    const pair = await webSocketPair();
    const received: unknown[] = [];
    pair[to].on("message", (data: Buffer, isBinary: boolean) => received.push([data, isBinary]));
    pair[from].send("grüße");
    pair[from].send(Buffer.of(1, 2));
    pair[from].close(1000, "done");
    const [code, reason] = await once(pair[to], "close");
    expect(received).toEqual([
      [Buffer.from("grüße"), false],
      [Buffer.of(1, 2), true],
    ]);
    expect([code, reason]).toEqual([1000, Buffer.from("done")]);
  });

  it("is a client over any stream if _isServer is false, as @fastify/websocket requires", async () => {
    const [near, far] = duplexPair();
    const [client, server] = [new WebSocket(null), new WebSocket(null)];
    client._isServer = false;
    expect([client._isServer, server._isServer]).toEqual([false, true]);
    const opened = once(client, "open");
    client.setSocket(near, Buffer.alloc(0), { maxPayload: 0 });
    server.setSocket(far, Buffer.alloc(0));
    await opened;
    client.send("text");
    expect(await once(server, "message")).toEqual([Buffer.from("text"), false]);
    client.terminate();
    await once(server, "close");
  });

  it.each(["client", "server"] as const)(
    "calls a replaced method pong of a %s to answer pings",
    async (role) => {
      const pair = await webSocketPair();
      const [receiver, sender] =
        role === "client" ? [pair.client, pair.server] : [pair.server, pair.client];
      const pong = receiver.pong.bind(receiver);
      receiver.pong = (data: unknown) => {
        pong(`answer to ${String(data)}`);
      };
      const ponged = once(sender, "pong") as Promise<[Buffer]>;
      sender.ping("one");
      expect(String((await ponged)[0])).toBe("answer to one");

      const uncaught = uncaughtErrorsOf(async () => await once(receiver, "ping"));
      receiver.pong = () => {
        throw new Error("pong failed");
      };
      sender.ping("two");
      expect(await uncaught).toMatchObject([{ message: "pong failed" }]);
      pair.client.terminate();
    },
  );

  it("passes events of the WHATWG interface to the listeners of addEventListener", async () => {
    const { client, server } = await webSocketPair();
    const received: unknown[] = [];
    server.addEventListener("message", ({ data, target }) => received.push(data, target));
    const closed = new Promise<unknown>((resolve) => {
      server.onclose = ({ code, wasClean, type }) => resolve({ code, wasClean, type });
    });
    client.send("text");
    client.close(3000);
    expect(await closed).toEqual({ code: 3000, wasClean: true, type: "close" });
    expect(received).toEqual(["text", server]);
  });
});

/** Collects the events of one type with their arguments. */
function collect(webSocket: WebSocket, type: string): unknown[][] {
  const received: unknown[][] = [];
  webSocket.on(type, (...values) => received.push(values));
  return received;
}

describe("WebSocket.send", () => {
  it("calls back without an error when the data has been written", async () => {
    const { client, server } = await webSocketPair();
    const calls: unknown[] = [];
    const written = new Promise<void>((resolve) => {
      client.send("text", (error) => {
        calls.push(error);
        resolve();
      });
    });
    expect(calls).toEqual([]);
    await written;
    expect(calls).toEqual([undefined]);
    client.terminate();
    await once(server, "close");
  });

  it("throws while connecting, and passes an error to the callback after close", async () => {
    expect(() => new WebSocket(null).send("text")).toThrow(
      "WebSocket is not open: readyState 0 (CONNECTING)",
    );
    const { client, server } = await webSocketPair();
    client.close();
    const error = await new Promise<Error | undefined>((resolve) => client.send("late", resolve));
    expect(error?.message).toBe("WebSocket is not open: readyState 2 (CLOSING)");
    expect(client.bufferedAmount).toBeGreaterThanOrEqual(4);
    await once(server, "close");
  });

  it.each<[name: string, data: SendableData, received: string, isBinary: boolean]>([
    ["a number", 12, "12", false],
    ["a typed array", Uint16Array.of(0x6161), "aa", true],
    ["a DataView", new DataView(Uint8Array.of(0x62).buffer), "b", true],
    ["an ArrayBuffer", Uint8Array.of(0x63).buffer, "c", true],
    ["an array of bytes", [0x64], "d", true],
    ["an object with a string value", { valueOf: () => "e" }, "e", true],
  ])("sends %s", async (_name, data, received, isBinary) => {
    const { client, server } = await webSocketPair();
    const messages = collect(server, "message");
    client.send(data);
    client.close();
    await once(server, "close");
    expect(messages).toEqual([[Buffer.from(received), isBinary]]);
  });

  it("sends a Buffer as text with binary: false, and a string as bytes with binary: true", async () => {
    const { client, server } = await webSocketPair();
    const messages = collect(server, "message");
    client.send(Buffer.from("é"), { binary: false });
    client.send("é", { binary: true });
    client.close();
    await once(server, "close");
    expect(messages).toEqual([
      [Buffer.from("é"), false],
      [Buffer.from("é"), true],
    ]);
  });

  it("sends a message in fragments, between which pings are allowed (RFC 6455 5.4)", async () => {
    const { client, server } = await webSocketPair();
    const [messages, pings] = [collect(server, "message"), collect(server, "ping")];
    client.send("a", { fin: false });
    client.ping("p");
    client.send("b", { fin: false });
    client.send("c");
    client.send("next");
    client.close();
    await once(server, "close");
    expect(messages).toEqual([
      [Buffer.from("abc"), false],
      [Buffer.from("next"), false],
    ]);
    expect(pings).toEqual([[Buffer.from("p")]]);
  });

  it("fails the connection with 1002 if a client does not mask a frame (RFC 6455 5.1)", async () => {
    const { client, server } = await webSocketPair();
    const closed = once(client, "close");
    const errors = collect(server, "error");
    client.send("text", { mask: false });
    expect((await closed)[0]).toBe(1002);
    expect(errors).toMatchObject([[{ code: "WS_ERR_EXPECTED_MASK" }]]);
  });

  it("masks with the keys of generateMask", async () => {
    const generateMask = vi.fn<(mask: Buffer) => void>((mask) => void mask.fill(7));
    const { client, server } = await webSocketPair({ client: { generateMask } });
    client.send("text");
    expect((await once(server, "message"))[0]).toEqual(Buffer.from("text"));
    expect(generateMask).toHaveBeenCalledOnce();
    client.terminate();
    await once(server, "close");
  });

  it.each(["ping", "pong"] as const)("sends a %s with the bytes of a Blob", async (type) => {
    const { client, server } = await webSocketPair();
    const events: unknown[] = [];
    server.on("message", (data) => events.push((data as Buffer).toString()));
    server.on(type, (data) => events.push([type, data.toString()]));
    const [blob, callback] = [new Blob(["blob"]), vi.fn<(error?: Error) => void>()];
    client.send(new Blob(["first"]));
    client[type](blob, callback);
    client.send("last");
    client.close();
    client.ping(new Blob(["counted while it waits"]));
    expect(() => server[type](new Blob(["x".repeat(126)]))).toThrow(RangeError);
    await once(server, "close");
    expect(events).toEqual(["first", [type, "blob"], "last"]);
    expect(callback).toHaveBeenCalledExactlyOnceWith();
  });

  it("sends what follows a Blob in order", async () => {
    const { client, server } = await webSocketPair();
    const messages = collect(server, "message");
    client.send(new Blob(["blob"]));
    client.send("after");
    client.close(1000);
    expect(client.readyState).toBe(WebSocket.CLOSING);
    expect((await once(server, "close"))[0]).toBe(1000);
    expect(messages).toEqual([
      [Buffer.from("blob"), true],
      [Buffer.from("after"), false],
    ]);
  });

  it("passes an error to the callbacks of a Blob and of what waits for it before a termination closes it", async () => {
    const { client, server } = await webSocketPair();
    const calls: unknown[] = [];
    const record = (error?: Error): void => void calls.push([error?.message, client.readyState]);
    client.send(new Blob(["blob"]), record);
    client.send("after", record);
    client.ping("after", undefined, record);
    client.on("close", () => calls.push("close"));
    client.terminate();
    expect(calls).toEqual([]);
    await once(client, "close");
    const message = "The socket was closed while the blob was being read";
    const expected = [message, WebSocket.CLOSING];
    expect(calls).toEqual([expected, expected, expected, "close"]);
    expect(client.bufferedAmount).toBe(0);
    server.terminate();
  });

  it.each([
    ["could be read", undefined, "The socket was closed while the blob was being read"],
    ["could not be read", new Error("cannot be read"), "cannot be read"],
  ])(
    "passes an error to the callbacks if the peer has closed before a Blob %s",
    async (_, failure, message) => {
      const { client, server } = await webSocketPair();
      const blob = new Blob(["x"]);
      const reading = deferred<ArrayBuffer>();
      blob.arrayBuffer = () => reading.promise;
      const errors: Array<Error | undefined> = [];
      const emitted = collect(client, "error");
      client.send(blob, (error) => errors.push(error));
      const sent = new Promise((called) => client.send("after", called));
      server.close();
      await once(client, "close");
      expect(errors).toEqual([]);
      if (failure === undefined) reading.resolve(new ArrayBuffer(1));
      else reading.reject(failure);
      errors.push((await sent) as Error);
      expect(errors.map((error) => error?.message)).toEqual([message, message]);
      // `error` must not follow `close`.
      await new Promise((called) => setImmediate(called));
      expect(emitted).toEqual([]);
    },
  );

  it("sends the same text to many peers, of both roles and with any options", async () => {
    const pairs = await Promise.all([webSocketPair(), webSocketPair(), webSocketPair()]);
    const sockets = pairs.flatMap(({ client, server }) => [client, server]);
    const received = sockets.map((socket) => collect(socket, "message"));
    for (const option of [{}, {}, { compress: false }, { binary: true }]) {
      for (const socket of sockets) socket.send("text", option);
    }
    for (const { server } of pairs) server.close();
    await Promise.all(sockets.map((socket) => once(socket, "close")));
    const text = [Buffer.from("text"), false];
    const bytes = [Buffer.from("text"), true];
    for (const messages of received) expect(messages).toEqual([text, text, text, bytes]);
  });

  it("closes with 1013 if more than maxBufferedBytes wait", async () => {
    const { client, server } = await webSocketPair({ server: { maxBufferedBytes: 1000 } });
    const closed = once(client, "close");
    client.pause();
    let error: Error | undefined;
    while (server.readyState === WebSocket.OPEN) {
      server.send(Buffer.alloc(100_000), (cause) => (error ??= cause));
    }
    client.resume();
    expect((await closed)[0]).toBe(1013);
    expect(error?.message).toMatch("maxBufferedBytes 1000");
  });

  it.each<[string, (server: WebSocket) => void]>([
    ["pings", (server) => server.ping(Buffer.alloc(125))],
    ["encoded frames", (server) => server._sender!.sendFrame([Buffer.of(0x82, 1, 0)])],
  ])("closes with 1013 if more than maxBufferedBytes of %s wait", async (_name, send) => {
    const { client, server } = await webSocketPair({ server: { maxBufferedBytes: 1000 } });
    const closed = once(client, "close");
    client.pause();
    for (let i = 0; i < 1000 && server.readyState === WebSocket.OPEN; i++) send(server);
    client.resume();
    expect((await closed)[0]).toBe(1013);
  });
});

describe("a callback of WebSocket.send", () => {
  it("must be a function; the error does not affect other connections", async () => {
    const [first, second] = [await webSocketPair(), await webSocketPair()];
    const callback = "utf8" as unknown as () => void;
    expect(() => first.server.send("text", {}, callback)).toThrow(TypeError);
    expect(() => first.server.ping("", false, callback)).toThrow(TypeError);
    expect(() => first.server._sender!.sendFrame([], callback)).toThrow(TypeError);
    second.server.send("from another connection");
    expect((await once(second.client, "message"))[0]).toEqual(
      Buffer.from("from another connection"),
    );
    const closed = [once(first.client, "close"), once(second.client, "close")];
    first.server.terminate();
    second.server.terminate();
    await Promise.all(closed);
  });

  it("gets the error of a write that fails at once", async () => {
    const { client, server } = await webSocketPair();
    // Reading would detect the reset before a write does.
    server.pause();
    (client._socket as Socket).resetAndDestroy();
    const results: unknown[] = [];
    const closed = once(server, "close");
    await vi.waitUntil(() => {
      server.send("text", (error) => results.push(error));
      server._sender!.sendFrame([Buffer.of(0x81, 0)], (error) => results.push(error));
      // Reading it writes the output of this turn.
      return server.bufferedAmount > 0;
    });
    expect(server.bufferedAmount).toBe(8);
    await closed;
    expect(results.slice(-2)).toEqual([
      expect.objectContaining({ code: "TRANSPORT_FAILED" }),
      expect.objectContaining({ code: "TRANSPORT_FAILED" }),
    ]);
  });

  it("gets an error if encoded frames are sent after the connection has begun to close", async () => {
    const { server } = await webSocketPair();
    const results: unknown[] = [];
    server.close();
    server._sender!.sendFrame([Buffer.of(0x81, 0)], (error) => results.push(error));
    await once(server, "close");
    server._sender!.sendFrame([Buffer.of(0x81, 0)], (error) => results.push(error));
    await new Promise(setImmediate);
    expect(results).toMatchObject([
      { message: "WebSocket is not open: readyState 2 (CLOSING)" },
      { message: "WebSocket is not open: readyState 3 (CLOSED)" },
    ]);
  });

  it("may be null in every state, as in JavaScript", async () => {
    const { client, server } = await webSocketPair();
    const callback = null as unknown as undefined;
    const messages = collect(client, "message");
    const errors = await uncaughtErrorsOf(async () => {
      server.send("text", {}, callback);
      server._sender!.sendFrame([Buffer.of(0x89, 0)], callback);
      server.close();
      server.send("late", callback);
      await once(server, "close");
    });
    expect(errors).toEqual([]);
    expect(messages).toEqual([[Buffer.from("text"), false]]);
  });

  it("may throw for a Blob that cannot be read, and the connection still fails", async () => {
    const { server } = await webSocketPair();
    const unreadable = new Blob(["x"]);
    const cause = new Error("cannot be read");
    unreadable.arrayBuffer = () => Promise.reject(cause);
    const [emitted, thrown] = [collect(server, "error"), new Error("thrown by the callback")];
    let late: Error | undefined;
    const errors = await uncaughtErrorsOf(async () => {
      server.send(unreadable, () => {
        throw thrown;
      });
      server.send("after", (error) => (late = error));
      await new Promise((resolve) => server.on("close", resolve));
    });
    expect(errors).toEqual([thrown]);
    expect(emitted).toEqual([[cause]]);
    expect(late).toBeInstanceOf(Error);
  });
});

describe("WebSocket.ping and pong", () => {
  it("emit Buffers at the peer, and autoPong: false leaves pings to the application", async () => {
    const { client, server } = await webSocketPair({ server: { autoPong: false } });
    const [pings, pongs] = [collect(server, "ping"), collect(client, "pong")];
    server.on("ping", () => server.pong("own"));
    client.ping();
    client.ping(1, undefined, () => {});
    client.close();
    await once(client, "close");
    expect(pings).toEqual([[Buffer.alloc(0)], [Buffer.from("1")]]);
    expect(pongs).toEqual([[Buffer.from("own")], [Buffer.from("own")]]);
  });

  it("throw if the payload is longer than 125 bytes (RFC 6455 5.5)", async () => {
    const { client, server } = await webSocketPair();
    expect(() => client.ping("x".repeat(126))).toThrow(RangeError);
    client.terminate();
    await once(server, "close");
  });
});

describe("WebSocket.close", () => {
  it("throws if the code must not be sent, or the reason is too long, and changes nothing", async () => {
    const { client, server } = await webSocketPair();
    expect(() => client.close(1005)).toThrow("First argument must be a valid error code number");
    expect(() => client.close(1000, "x".repeat(124))).toThrow(RangeError);
    // A number as the reason must not send uninitialized memory.
    expect(() => client.close(1000, 100 as unknown as string)).toThrow(TypeError);
    expect(client.readyState).toBe(WebSocket.OPEN);
    client.terminate();
    await once(server, "close");
  });

  it("measures a reason of invalid UTF-8 after its conversion into text", async () => {
    const { client, server } = await webSocketPair();
    const notUtf8 = Buffer.alloc(123, 0xff);
    expect(() => client.close(1000, notUtf8)).toThrow(
      new RangeError("The message must not be greater than 123 bytes"),
    );
    client.terminate();
    await once(server, "close");
  });

  it("sends the text of a reason that is a Uint8Array", async () => {
    const { client, server } = await webSocketPair();
    client.close(3000, new TextEncoder().encode("x".repeat(123)) as Buffer);
    expect(await once(server, "close")).toEqual([3000, Buffer.from("x".repeat(123))]);
  });

  it.each([null, {}, [1]])("throws for the reason %j", async (reason) => {
    const { client, server } = await webSocketPair();
    expect(() => client.close(1000, reason as unknown as string)).toThrow(TypeError);
    client.terminate();
    await once(server, "close");
  });

  it("passes the peer's code and reason to the event, also on the side that called it", async () => {
    const { client, server } = await webSocketPair();
    const closed = Promise.all([once(client, "close"), once(server, "close")]);
    client.close(3000, Buffer.from("why"));
    expect(await closed).toEqual([
      [3000, Buffer.from("why")],
      [3000, Buffer.from("why")],
    ]);
  });

  it("is followed by the messages that the peer sent before its Close frame", async () => {
    const { client, server } = await webSocketPair();
    const messages = collect(client, "message");
    server.send("sent before");
    client.close();
    await once(client, "close");
    expect(messages).toEqual([[Buffer.from("sent before"), false]]);
  });
});

describe("WebSocket.terminate", () => {
  it("sends earlier messages before it closes the connection", async () => {
    const { client, server } = await webSocketPair();
    const messages = collect(server, "message");
    client.send("last");
    client.terminate();
    expect((await once(server, "close"))[0]).toBe(1006);
    expect(messages).toEqual([[Buffer.from("last"), false]]);
  });
});
