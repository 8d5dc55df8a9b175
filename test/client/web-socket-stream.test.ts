import { getEventListeners } from "node:events";
import type { Socket } from "node:net";
import { uncaughtErrorsOf } from "../support/uncaught-errors.ts";
import { describe, expect, it } from "vitest";
import { defineWebSocketStream } from "../../src/client/web-socket-stream.ts";
import type { WebSocketStreamConstructor } from "../../src/client/web-socket-stream-interface.ts";
import { TransportError } from "../../src/errors/index.ts";
import { WebSocketError, WebSocketStream } from "../../src/node/index.ts";
import { FakeConnection, FakeNetwork } from "./fake-connector.ts";
import { acceptance, serveBytes } from "../support/servers.ts";

const LOST = { code: 1006, reason: "", wasClean: false };
const clean = (code: number, reason = ""): typeof LOST => ({ code, reason, wasClean: true });
/** Runs all pending promise jobs and the callbacks scheduled after a flush. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const rejection = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => expect.fail("should have rejected"),
    (error: unknown) => error,
  );
/** Whether `promise` has settled after all pending promise jobs. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let result = false;
  const settle = (): void => void (result = true);
  void promise.then(settle, settle);
  await turn();
  return result;
}

interface Opened {
  readonly stream: InstanceType<WebSocketStreamConstructor>;
  readonly connection: FakeConnection;
  readonly reader: ReadableStreamDefaultReader<string | Uint8Array>;
  readonly writer: WritableStreamDefaultWriter;
  readonly readable: ReadableStream;
  readonly writable: WritableStream;
}

/** A stream over a connection with the test at the other end. */
async function open(protocol = "", extensions = ""): Promise<Opened> {
  const network = new FakeNetwork();
  const Class = defineWebSocketStream(network.connect, setImmediate);
  const stream = new Class("ws://host/", protocol === "" ? {} : { protocols: [protocol] });
  const connection = network.accept(new FakeConnection(protocol, extensions));
  connection.isReadInTasks = false;
  const { readable, writable, ...agreed } = await stream.opened;
  expect(agreed).toEqual({ protocol, extensions });
  return {
    stream,
    connection,
    readable,
    writable,
    get reader() {
      return readable.getReader();
    },
    get writer() {
      return writable.getWriter();
    },
  };
}

/** Reports that all sent data has left. */
function drain(connection: FakeConnection): void {
  connection.bufferedAmount = 0;
  connection.handler.onDrain!();
}

describe("new WebSocketStream (WHATWG WebSockets, pull request 48)", () => {
  const network = new FakeNetwork();
  const Class = defineWebSocketStream(network.connect, setImmediate);
  const make = (...args: unknown[]): unknown => Reflect.construct(Class, args);

  it("throws at once for an invalid URL, invalid options or invalid subprotocols", () => {
    expect(() => make()).toThrow(TypeError);
    expect(() => make("invalid:")).toThrow(expect.objectContaining({ name: "SyntaxError" }));
    expect(() => make("ws://host", true)).toThrow(TypeError);
    expect(() => make("ws://host", { protocols: "hi" })).toThrow(
      expect.objectContaining({
        name: "TypeError",
        message: expect.stringContaining("protocols must be a list"),
      }),
    );
    for (const signal of [{}, { aborted: false }, new EventTarget()]) {
      expect(() => make("ws://host", { signal })).toThrow(
        expect.objectContaining({
          name: "TypeError",
          message: expect.stringContaining("signal must be an AbortSignal"),
        }),
      );
    }
    expect(() => make("ws://host", { protocols: ["a", "a"] })).toThrow(
      expect.objectContaining({ name: "SyntaxError" }),
    );
    expect(() => make("ws://host", { maxMessageBytes: 0 })).toThrow(
      expect.objectContaining({ code: "INVALID_OPTION" }),
    );
    expect(network.attempts).toEqual([]);
  });

  it("has the shape that Web IDL defines", () => {
    expect([Class.name, Class.length, Class.prototype.close.length]).toEqual([
      "WebSocketStream",
      1,
      0,
    ]);
    expect(Object.keys(Class.prototype)).toEqual(["url", "opened", "closed", "close"]);
    expect(Object.prototype.toString.call(Class.prototype)).toBe("[object WebSocketStream]");
  });

  it("offers the subprotocols and accepts the options of this package", () => {
    const stream = new Class(new URL("http://host/a"), {
      protocols: new Set(["a", "b"]),
      headers: { cookie: "c" },
    });
    expect(stream.url).toBe("ws://host/a");
    expect(network.attempts.at(-1)!.request).toMatchObject({
      protocols: ["a", "b"],
      options: { headers: { cookie: "c" }, maxMessageBytes: 16 * 1024 * 1024 },
    });
  });

  it("throws a SyntaxError for a URL with a fragment, and for an unknown option", () => {
    const { length } = network.attempts;
    for (const url of ["ws://host/#a", "ws://host/#"]) {
      expect(() => new Class(url)).toThrow(expect.objectContaining({ name: "SyntaxError" }));
    }
    expect(() => new Class("ws://host/", { header: {} } as object)).toThrow("no option header");
    expect(network.attempts).toHaveLength(length);
  });

  it.each(["opened", "closed"])(
    "rejects when the getter of %s is called on another object (Web IDL)",
    async (name) => {
      const read = Reflect.get(Class.prototype, name, {}) as Promise<unknown>;
      await expect(read).rejects.toThrow(new TypeError("Illegal invocation"));
    },
  );

  it("rejects opened and closed with one WebSocketError when the connection fails", async () => {
    const stream = new Class("ws://host/", null as never);
    const cause = new TransportError("CONNECT_FAILED", "refused");
    network.attempts.at(-1)!.handler.onFailed(cause);
    const error = await rejection(stream.opened);
    expect(error).toBeInstanceOf(WebSocketError);
    expect(error).toMatchObject({ closeCode: 1006, reason: "", message: "refused", cause });
    expect(await rejection(stream.closed)).toBe(error);
  });

  it("does not connect if the signal is already aborted", async () => {
    const attempts = network.attempts.length;
    const stream = new Class("ws://host/", { signal: AbortSignal.abort("why") });
    expect(await rejection(stream.opened)).toBe("why");
    expect(await rejection(stream.closed)).toBe("why");
    expect(network.attempts).toHaveLength(attempts);
    stream.close();
  });

  it("cancels the attempt when the signal is aborted", async () => {
    const controller = new AbortController();
    const stream = new Class("ws://host/", { signal: controller.signal });
    controller.abort();
    expect(network.attempts.at(-1)!.isAborted).toBe(true);
    expect(await rejection(stream.opened)).toMatchObject({ name: "AbortError" });
    expect(await rejection(stream.closed)).toMatchObject({ name: "AbortError" });
  });

  it("ignores the signal once it is open", async () => {
    const controller = new AbortController();
    const stream = new Class("ws://host/", { signal: controller.signal });
    const connection = network.accept();
    await stream.opened;
    controller.abort();
    expect(await isSettled(stream.closed)).toBe(false);
    expect(connection.log).toEqual([]);
  });

  it("cancels the attempt when it is closed", async () => {
    const stream = new Class("ws://host/");
    stream.close({ closeCode: 3000 });
    stream.close();
    expect(network.attempts.at(-1)!.isAborted).toBe(true);
    const error = await rejection(stream.opened);
    expect(error).toBeInstanceOf(WebSocketError);
    expect(error).toMatchObject({ cause: { code: "ABORTED" } });
    expect(await rejection(stream.closed)).toBe(error);
  });

  it("leaves no listener on a signal when its options throw", () => {
    const { signal } = new AbortController();
    const tls = { cert: "no certificate", key: "no key" };
    expect(() => new WebSocketStream("wss://127.0.0.1:1/", { signal, tls })).toThrow(
      expect.objectContaining({ code: "INVALID_OPTION" }),
    );
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });
});

describe("WebSocketError", () => {
  it("is a DOMException with its own name, without code and reason by default", () => {
    const error = new WebSocketError();
    expect(error).toBeInstanceOf(DOMException);
    expect(error).toMatchObject({
      name: "WebSocketError",
      message: "",
      code: 0,
      closeCode: null,
      reason: "",
    });
    expect("cause" in error).toBe(false);
  });

  it("accepts a message, a code and a reason; a reason alone means 1000", () => {
    expect(new WebSocketError("m", { closeCode: 3456, reason: "r" })).toMatchObject({
      message: "m",
      closeCode: 3456,
      reason: "r",
    });
    expect(new WebSocketError("", { reason: "r" })).toMatchObject({ closeCode: 1000 });
    expect(new WebSocketError("", { closeCode: 3333 })).toMatchObject({ reason: "" });
  });

  it.each([
    ["InvalidAccessError", { closeCode: 999 }],
    ["InvalidAccessError", { closeCode: 1001 }],
    ["InvalidAccessError", { closeCode: 2999 }],
    ["InvalidAccessError", { closeCode: 5000 }],
    ["SyntaxError", { closeCode: 1000, reason: "x".repeat(124) }],
    ["SyntaxError", { reason: "\u{1F50C}".repeat(32) }],
    ["TypeError", { closeCode: 65_536 }],
    ["TypeError", { closeCode: Number.NaN }],
    ["TypeError", true],
  ])("throws %s for %j", (name, init) => {
    expect(() => new WebSocketError("", init as never)).toThrow(expect.objectContaining({ name }));
  });
});

describe("the readable of a WebSocketStream", () => {
  it("delivers text as strings and bytes as a Uint8Array, in order", async () => {
    const { reader, connection } = await open("a", "x");
    connection.text("one");
    connection.binary(2);
    expect((await reader.read()).value).toBe("one");
    expect((await reader.read()).value).toEqual(new Uint8Array([2]));
  });

  it("pauses the connection at 64 KiB and resumes it at half of that", async () => {
    const { reader, connection } = await open();
    const text = "x".repeat(8192 - 64);
    for (let count = 0; count < 7; count++) connection.text(text);
    expect(connection.isPaused).toBe(false);
    connection.text(text);
    expect(connection.isPaused).toBe(true);
    connection.text("held back");
    for (let count = 0; count < 3; count++) await reader.read();
    expect(connection.isPaused).toBe(true);
    await reader.read();
    await turn();
    expect(connection.isPaused).toBe(false);
    for (let count = 0; count < 4; count++) await reader.read();
    expect((await reader.read()).value).toBe("held back");
  });

  it("counts empty messages too", async () => {
    const { connection } = await open();
    let count = 0;
    while (!connection.isPaused) connection.text(`${count++ && ""}`);
    expect(count).toBe(1024);
  });

  it("ends after the queued messages when the connection is closed cleanly", async () => {
    const { readable, connection, stream } = await open();
    connection.text("last");
    connection.closing();
    connection.end(clean(4000, "bye"));
    expect(await stream.closed).toEqual({ closeCode: 4000, reason: "bye" });
    const observed: unknown[] = [];
    for await (const message of readable) observed.push(message);
    expect(observed).toEqual(["last"]);
  });

  it("delivers nothing that arrives after this side started to close", async () => {
    const { reader, connection, stream } = await open();
    stream.close();
    connection.text("too late");
    connection.end(clean(1005));
    expect(await reader.read()).toEqual({ done: true, value: undefined });
  });
});

describe("the writable of a WebSocketStream", () => {
  it("sends strings as text, and a copy of bytes as binary", async () => {
    const { writer, connection } = await open();
    const bytes = new Uint8Array([1, 2, 3]);
    const chunks = ["text", bytes.subarray(1), bytes.buffer, new DataView(bytes.buffer, 2), 5];
    for (const chunk of chunks) {
      const written = writer.write(chunk);
      await turn();
      drain(connection);
      await written;
    }
    expect(connection.sent).toEqual(["text", [2, 3], [1, 2, 3], [3], "5"]);
  });

  it("converts a Blob to a string like any other object (Web IDL)", async () => {
    const { writer, connection } = await open();
    void writer.write(new Blob(["x"]));
    await turn();
    expect(connection.sent).toEqual(["[object Blob]"]);
  });

  it.each([
    ["an object that cannot become a string", { toString: (): object => ({}) }],
    ["a symbol", Symbol("x")],
    ["bytes in a resizable buffer", Reflect.construct(ArrayBuffer, [8, { maxByteLength: 16 }])],
    ["a view of shared memory", new Uint8Array(new SharedArrayBuffer(8))],
  ])("refuses %s with a TypeError, and the connection stays open", async (_, chunk) => {
    const { writer, reader, connection } = await open();
    expect(await rejection(writer.write(chunk))).toBeInstanceOf(TypeError);
    connection.text("still here");
    expect((await reader.read()).value).toBe("still here");
    expect(connection.log).toEqual([]);
  });

  it("finishes a write when its bytes have left, and only then starts the next", async () => {
    const { writer, connection } = await open();
    const writes = [writer.write("a"), writer.write("b")];
    expect(writer.desiredSize).toBeLessThanOrEqual(0);
    expect(await isSettled(writes[0])).toBe(false);
    expect(await isSettled(writer.ready)).toBe(false);
    expect(connection.sent).toEqual(["a"]);
    drain(connection);
    await writes[0];
    await turn();
    expect(connection.sent).toEqual(["a", "b"]);
    expect(await isSettled(writes[1])).toBe(false);
    drain(connection);
    await writes[1];
    expect(writer.desiredSize).toBe(1);
    await writer.ready;
  });

  it("finishes a write at once if its bytes left at once", async () => {
    const { writer, connection } = await open();
    const written = writer.write("a");
    await Promise.resolve();
    connection.bufferedAmount = 0;
    expect(await written).toBeUndefined();
  });

  it("errors with an InvalidStateError after a clean close", async () => {
    const { writer, connection } = await open();
    connection.end(clean(1000));
    expect(await rejection(writer.ready)).toMatchObject({ name: "InvalidStateError" });
    expect(await rejection(writer.write("a"))).toMatchObject({ name: "InvalidStateError" });
  });

  it("refuses writes while the connection is closing", async () => {
    const { writer, connection, stream } = await open();
    stream.close();
    expect(await rejection(writer.write("a"))).toMatchObject({ name: "InvalidStateError" });
    connection.end(clean(1005));
    expect(await stream.closed).toEqual({ closeCode: 1005, reason: "" });
    expect(connection.sent).toEqual([]);
  });

  it("finishes close when the connection has ended", async () => {
    const { writer, connection, stream } = await open();
    const closing = writer.close();
    await turn();
    expect(connection.log).toEqual([["close", undefined, undefined]]);
    expect(await isSettled(closing)).toBe(false);
    connection.end(clean(1005));
    await closing;
    expect(await stream.closed).toEqual({ closeCode: 1005, reason: "" });
  });

  it("fails close when the connection is lost before it has ended", async () => {
    const { writer, connection, stream } = await open();
    const closing = writer.close();
    await turn();
    connection.end(LOST);
    expect(await rejection(closing)).toBe(await rejection(stream.closed));
  });
});

describe("the end of a WebSocketStream", () => {
  it("is one WebSocketError for closed and both streams if the connection is lost", async () => {
    const { writer, reader, connection, stream } = await open();
    connection.text("dropped, as the standard has it");
    const cause = new TransportError("TRANSPORT_FAILED", "reset");
    connection.end({ ...LOST, error: cause });
    const error = await rejection(stream.closed);
    expect(error).toBeInstanceOf(WebSocketError);
    expect(error).toMatchObject({ closeCode: 1006, reason: "", message: "reset", cause });
    expect(await rejection(reader.read())).toBe(error);
    expect(await rejection(writer.ready)).toBe(error);
  });

  it("settles a pending write", async () => {
    const { writer, connection, stream } = await open();
    const written = writer.write("a");
    await turn();
    connection.end(LOST);
    expect(await rejection(written)).toBe(await rejection(stream.closed));
  });

  it("is not clean if written bytes never left, even after a closing handshake", async () => {
    const { writer, connection, stream } = await open();
    const written = writer.write("a");
    await turn();
    connection.end(clean(4567, "enough"));
    expect(await rejection(stream.closed)).toMatchObject({ closeCode: 4567, reason: "enough" });
    const error = await rejection(written);
    expect(error).toMatchObject({ name: "InvalidStateError" });
    expect(await rejection(writer.write("b"))).toBe(error);
  });

  it("is requested by close, which checks its argument in every state", async () => {
    const { connection, stream } = await open();
    expect(() => stream.close(true as never)).toThrow(TypeError);
    expect(() => stream.close({ closeCode: 1001 })).toThrow(
      expect.objectContaining({ name: "InvalidAccessError" }),
    );
    expect(() => stream.close({ reason: "x".repeat(124) })).toThrow(
      expect.objectContaining({ name: "SyntaxError" }),
    );
    stream.close({ reason: "why" });
    expect(connection.log).toEqual([["close", 1000, "why"]]);
    connection.end(clean(1000, "why"));
    await stream.closed;
    stream.close();
    expect(() => stream.close({ closeCode: 5000 })).toThrow(DOMException);
  });

  describe.each(["readable", "writable"] as const)("by cancelling or aborting the %s", (side) => {
    const giveUp = (opened: Opened, reason?: unknown): Promise<void> =>
      side === "readable" ? opened.readable.cancel(reason) : opened.writable.abort(reason);

    it.each([
      ["nothing", undefined, undefined, ""],
      ["another error than WebSocketError", { closeCode: 3333, reason: "no" }, undefined, ""],
      ["a code", new WebSocketError("", { closeCode: 3333 }), 3333, ""],
      ["a code and a reason", new WebSocketError("", { closeCode: 3333, reason: "r" }), 3333, "r"],
      ["a reason", new WebSocketError("", { reason: "r" }), 1000, "r"],
    ])("has the code and reason of the error: %s", async (_, reason, code, text) => {
      const opened = await open();
      await giveUp(opened, reason);
      expect(opened.connection.log).toEqual([["close", code, text]]);
      opened.connection.end(clean(1005));
      expect(await opened.stream.closed).toEqual({ closeCode: 1005, reason: "" });
    });

    it("has no code that must not be sent, such as 1006", async () => {
      const lost = await open();
      lost.connection.end(LOST);
      const opened = await open();
      await giveUp(opened, await rejection(lost.stream.closed));
      expect(opened.connection.log).toEqual([["close", undefined, ""]]);
    });
  });

  it("starts at once when the writable is aborted during a blocked write", async () => {
    const { writer, connection } = await open();
    const written = writer.write("a");
    await turn();
    const aborted = writer.abort(new WebSocketError("", { closeCode: 3333 }));
    expect(connection.log).toEqual([["close", 3333, ""]]);
    connection.end(LOST);
    await rejection(written);
    await isSettled(aborted);
  });

  it("causes no unhandled rejection", async () => {
    const uncaught = await uncaughtErrorsOf(async () => {
      const network = new FakeNetwork();
      const Class = defineWebSocketStream(network.connect, setImmediate);
      new Class("ws://host/").close();
      const opened = await open();
      opened.connection.end(LOST);
      await turn();
    });
    expect(uncaught).toEqual([]);
  });
});

/** Lets the event loop turn until `read` has returned the same value for many turns. */
async function standstill(read: () => number): Promise<number> {
  let last = -1;
  for (let same = 0; same < 500; same++) {
    await turn();
    if (read() !== last) same = 0;
    last = read();
  }
  return last;
}

describe("backpressure over a real socket", () => {
  it("stops a sender of 1 GiB at the buffer limit when the stream is not read, in constant memory", async () => {
    // One message of 64 KiB, sent repeatedly: the server's side holds nothing else.
    const frame = Buffer.concat([
      Buffer.from([0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
      Buffer.alloc(65_536),
    ]);
    const total = 16_384;
    let given = 0;
    let server!: Socket;
    const url = await serveBytes((socket, request) => {
      server = socket;
      socket.write(acceptance(request));
      const pump = (): void => {
        while (given++ < total) if (!socket.write(frame)) return;
      };
      socket.on("drain", pump);
      pump();
    });
    const stream = new WebSocketStream(url);
    const { readable } = await stream.opened;
    const before = process.memoryUsage();
    const accepted = (): number => server.bytesWritten - server.writableLength;
    const stalledAt = await standstill(accepted);
    const after = process.memoryUsage();
    // The rest of the accepted data is in the kernel's buffers at both ends of the loopback.
    expect(stalledAt).toBeLessThan(64 * 1024 * 1024);
    expect(given).toBeLessThan(total);
    const growth = after.arrayBuffers - before.arrayBuffers;
    expect(growth).toBeLessThan(2 * 1024 * 1024);

    const reader = readable.getReader();
    for (let received = 0; received < stalledAt + 65_536;) {
      received += (await reader.read()).value!.length;
    }
    expect(accepted()).toBeGreaterThan(stalledAt);
    // Discards the rest and sees the end.
    await reader.cancel();
    server.destroy();
    await rejection(stream.closed);
  });

  it("limits a writer to the pace at which its peer reads", async () => {
    let server!: Socket;
    const url = await serveBytes((socket, request) => {
      server = socket;
      socket.pause();
      socket.write(acceptance(request));
    });
    const stream = new WebSocketStream(url);
    const writer = (await stream.opened).writable.getWriter();
    const chunk = new Uint8Array(65_536);
    let written = 0;
    const before = process.memoryUsage().arrayBuffers;
    const writing = (async () => {
      for (; written < 16_384; written++) await writer.write(chunk);
    })();
    const stalledAt = await standstill(() => written);
    expect(stalledAt).toBeLessThan(1024);
    expect(writer.desiredSize).toBe(0);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 * 1024 * 1024);
    server.resume();
    while (written === stalledAt) await turn();
    server.destroy();
    await rejection(writing);
    await rejection(stream.closed);
  });
});
