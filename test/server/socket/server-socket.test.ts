import { setImmediate as nextTurn } from "node:timers/promises";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { ConnectionClosedError, ProtocolError, UsageError } from "../../../src/errors/index.ts";
import { ServerSocket, type SocketEnvironment } from "../../../src/server/socket/server-socket.ts";
import type { SocketOptions } from "../../../src/server/socket/socket-options.ts";
import type { Message } from "../../../src/streams/message-consumer.ts";
import { nodeProtocolEnvironment } from "../../../src/node/environment/protocol-environment.ts";
import { uncaughtErrorsOf } from "../../support/uncaught-errors.ts";
import { FakeConnection } from "../fake-connection.ts";
import { testInvalidListeners } from "../invalid-listeners.ts";

let connection: FakeConnection;
const onFailure = vi.fn<(socket: ServerSocket, error: unknown) => void>();
const onRefused = vi.fn<SocketEnvironment["onRefused"]>();
const onClosed = vi.fn<(socket: ServerSocket) => void>();

function open(options?: SocketOptions): ServerSocket {
  return new ServerSocket(
    connection,
    { onFailure, onRefused, onClosed, inNextTurn: setImmediate },
    options,
  );
}

beforeEach(() => {
  connection = new FakeConnection();
  onFailure.mockReset();
  onRefused.mockReset();
  onClosed.mockReset();
});

describe("iteration", () => {
  it.each([1000, 1001, 1005])("ends when the connection is closed with %i", async (code) => {
    const socket = open();
    connection.handler.onText("a");
    connection.handler.onBinary(new Uint8Array([1, 2]));
    connection.end({ code });
    const messages: Message[] = [];
    for await (const message of socket) messages.push(message);
    expect(messages).toEqual(["a", new Uint8Array([1, 2])]);
  });

  it.each([1006, 1002, 1011, 4000])("throws when the connection ends with %i", async (code) => {
    const socket = open();
    connection.handler.onText("a");
    connection.end({ code, reason: "why" });
    const iterator = socket[Symbol.asyncIterator]();
    expect(await iterator.next()).toEqual({ done: false, value: "a" });
    await expect(iterator.next()).rejects.toMatchObject({
      name: "ConnectionClosedError",
      code: "CONNECTION_CLOSED",
      closeCode: code,
      reason: "why",
    });
  });

  it("says which side ended the connection", async () => {
    const endings: Array<[(socket: ServerSocket) => void, Parameters<FakeConnection["end"]>[0]]> = [
      [(socket) => socket.close(4000), { code: 4000 }],
      [(socket) => socket.terminate(), { code: 1006 }],
      [() => {}, { code: 4000 }],
      [() => {}, { code: 1006 }],
      [() => {}, { code: 1006, error: new ProtocolError("RESERVED_BITS", "bad") }],
    ];
    const sides: unknown[] = [];
    for (const [act, info] of endings) {
      connection = new FakeConnection();
      const socket = open();
      act(socket);
      connection.end(info);
      sides.push(await socket.drained.catch((error: ConnectionClosedError) => error.closedBy));
    }
    expect(sides).toEqual(["local", "local", "peer", "transport", "local"]);
  });

  it("has one consumer and throws at once on a second", () => {
    const socket = open();
    socket.listen(() => {});
    const expected = expect.objectContaining({ code: "ALREADY_CONSUMED" });
    expect(() => socket[Symbol.asyncIterator]()).toThrow(expected);
    expect(() => socket.listen(() => {})).toThrow(expected);
    expect(() => socket.readable).toThrow(UsageError);
  });

  it("closes with 1000 when the loop is left early", async () => {
    const socket = open();
    connection.handler.onText("a");
    for await (const message of socket) {
      expect(message).toBe("a");
      break;
    }
    await vi.waitFor(() => expect(connection.calls).toEqual([["close", 1000, ""]]));
  });

  it("closes with 1011 when the body of the loop throws", async () => {
    const socket = open();
    connection.handler.onText("a");
    socket.runHandler(async () => {
      for await (const message of socket) throw new Error(`cannot handle ${String(message)}`);
    });
    await vi.waitFor(() => expect(onFailure).toHaveBeenCalledOnce());
    expect(connection.calls).toEqual([["close", 1011, ""]]);
  });

  it("pauses the connection while nothing is read and resumes it afterwards", async () => {
    const socket = open({ maxQueuedBytes: 128, maxQueuedMessages: 2 });
    connection.handler.onText("a");
    connection.handler.onText("b");
    expect(connection.calls).toEqual([["pause"]]);
    const iterator = socket[Symbol.asyncIterator]();
    await iterator.next();
    expect(connection.calls).toEqual([["pause"], ["resume"]]);
  });

  it("gives the messages received before close() and none received later", async () => {
    const socket = open();
    connection.handler.onText("before");
    socket.close();
    connection.handler.onText("after");
    connection.end();
    const messages: Message[] = [];
    for await (const message of socket) messages.push(message);
    expect(messages).toEqual(["before"]);
  });
});

describe("listen", () => {
  it("delivers messages, then onDone", async () => {
    const socket = open();
    const log: unknown[] = [];
    connection.handler.onText("a");
    socket.listen((message) => log.push(message), {
      onDone: () => log.push("done"),
      onError: (error) => log.push(error),
    });
    await nextTurn();
    connection.handler.onText("b");
    connection.end({ code: 1001 });
    expect(log).toEqual(["a", "b", "done"]);
  });

  it("calls onError before onDone when the connection is lost", async () => {
    const socket = open();
    const log: unknown[] = [];
    socket.listen(() => {}, {
      onDone: () => log.push("done"),
      onError: (error) => log.push(error.closeCode),
    });
    await nextTurn();
    connection.end({ code: 1006 });
    expect(log).toEqual([1006, "done"]);
  });

  it.each([
    [
      "throws",
      () => {
        throw new Error("bug");
      },
    ],
    ["rejects", () => Promise.reject(new Error("bug"))],
  ])("closes with 1011 and reports once when the listener %s", async (_how, onMessage) => {
    const socket = open();
    socket.listen(onMessage);
    connection.handler.onText("a");
    connection.handler.onText("b");
    await nextTurn();
    expect(onFailure.mock.calls).toEqual([[expect.any(ServerSocket), new Error("bug")]]);
    expect(connection.calls).toEqual([["close", 1011, ""]]);
  });

  testInvalidListeners(() => open());

  it("closes with 1000 when cancelled and calls no listener afterwards", async () => {
    const socket = open();
    const log: unknown[] = [];
    const subscription = socket.listen((message) => log.push(message), {
      onDone: () => log.push("done"),
    });
    subscription.cancel();
    await vi.waitFor(() => expect(connection.calls).toEqual([["close", 1000, ""]]));
    connection.end();
    expect(log).toEqual([]);
  });
});

describe("send", () => {
  it("sends strings as text, and bytes of any kind as binary", () => {
    const socket = open();
    const { buffer } = new Uint8Array([1, 2, 3, 4]);
    socket.send("text");
    socket.add(new Uint8Array(buffer, 1, 2));
    socket.send(buffer);
    socket.send(new DataView(buffer, 2));
    socket.send(new Uint16Array(buffer, 0, 1));
    const shared = new SharedArrayBuffer(1);
    socket.send(shared);
    expect(connection.sent).toEqual([
      "text",
      new Uint8Array([2, 3]),
      new Uint8Array([1, 2, 3, 4]),
      new Uint8Array([3, 4]),
      new Uint8Array([1, 2]),
      new Uint8Array([0]),
    ]);
  });

  it.each([undefined, null, 5, {}, [1], new Blob(["x"]), Symbol("s")])(
    "throws at once for %s, which is not a message",
    (data) => {
      const socket = open();
      connection.readyState = 3;
      expect(() => socket.send(data as string)).toThrow(
        expect.objectContaining({ code: "INVALID_DATA" }),
      );
    },
  );

  it("refuses the buffer of a pooled message, which holds bytes of other messages", () => {
    const socket = open();
    const message = nodeProtocolEnvironment.buffers.messagePool.copy(Uint8Array.of(1, 2));
    expect(() => socket.send(message.buffer)).toThrow(/send the message itself/);
    socket.send(message);
    expect(connection.sent).toEqual([Uint8Array.of(1, 2)]);
  });

  it("returns false once the high-water mark is reached, and still sends the message", () => {
    const socket = open({ highWaterMarkBytes: 100 });
    connection.bytesPerMessage = 50;
    expect([socket.send("a"), socket.send("b"), socket.send("c")]).toEqual([true, false, false]);
    expect(connection.sent).toEqual(["a", "b", "c"]);
  });

  it("returns false and drops the message when the connection is not open", () => {
    const socket = open();
    socket.close();
    expect(socket.send("late")).toBe(false);
    expect(connection.sent).toEqual([]);
  });

  describe("to a peer that reads too slowly", () => {
    const fill = (slowConsumer?: "close" | "drop" | "wait"): ServerSocket => {
      const socket = open({ maxBufferedBytes: 1000, ...(slowConsumer && { slowConsumer }) });
      connection.bufferedAmount = 1001;
      return socket;
    };

    it("closes with 1013 by default", () => {
      expect(fill().send("x")).toBe(false);
      expect(connection.sent).toEqual([]);
      expect(connection.calls).toEqual([["close", 1013, "too slow"]]);
    });

    it('drops the message with slowConsumer "drop"', () => {
      expect(fill("drop").send("x")).toBe(false);
      expect(connection.sent).toEqual([]);
      expect(connection.calls).toEqual([]);
    });

    it('buffers without limit with slowConsumer "wait"', () => {
      expect(fill("wait").send("x")).toBe(true);
      expect(connection.sent).toEqual(["x"]);
    });

    it("sends a single message that is larger than the limit", () => {
      const socket = open({ maxBufferedBytes: 1000 });
      connection.bytesPerMessage = 5000;
      socket.send("large");
      expect(connection.sent).toEqual(["large"]);
    });
  });
});

describe("drained", () => {
  const settled = async (promise: Promise<unknown>): Promise<string> =>
    await Promise.race([
      promise.then(
        () => "resolved",
        () => "rejected",
      ),
      nextTurn("pending"),
    ]);

  it("is already resolved below the high-water mark", async () => {
    expect(await settled(open().drained)).toBe("resolved");
  });

  it("resolves when the buffered output has been written", async () => {
    const socket = open();
    connection.bufferedAmount = 70_000;
    const { drained } = socket;
    await nextTurn();
    expect(await settled(drained)).toBe("pending");
    connection.drain();
    expect(await settled(drained)).toBe("resolved");
  });

  it("resolves for each waiting sender", async () => {
    const socket = open();
    connection.bufferedAmount = 70_000;
    const first = socket.drained;
    await nextTurn();
    const second = socket.drained;
    connection.drain();
    expect(await settled(first)).toBe("resolved");
    expect(await settled(second)).toBe("resolved");
  });

  it("resolves in the next turn when one write empties the buffer", async () => {
    const socket = open();
    connection.bufferedAmount = 70_000;
    const { drained } = socket;
    connection.bufferedAmount = 0;
    const inThisTurn = await Promise.race([
      drained.then(() => "resolved"),
      new Promise((resolve) => process.nextTick(resolve, "pending")),
    ]);
    expect(inThisTurn).toBe("pending");
    expect(await settled(drained)).toBe("resolved");
  });

  it("yields to the event loop in the loop of a sender that is never delayed", async () => {
    const socket = open();
    let isDone = false;
    setImmediate(() => (isDone = true));
    let count = 0;
    while (!isDone) {
      connection.bufferedAmount = 70_000;
      const sent = socket.send("a");
      const { drained } = socket;
      connection.bufferedAmount = 0;
      if (!sent) await drained;
      // If it did not yield, the loop would never end.
      if (++count > 10_000) break;
    }
    expect(isDone).toBe(true);
  });

  it("stays pending until the end when the connection is closing, even with an empty buffer", async () => {
    const socket = open();
    socket.close();
    expect(socket.send("a")).toBe(false);
    const { drained } = socket;
    expect(await settled(drained)).toBe("pending");
    connection.drain();
    expect(await settled(drained)).toBe("pending");
    connection.end({ code: 1000 });
    await expect(drained).rejects.toBeInstanceOf(ConnectionClosedError);
  });

  it("stays pending above maxBufferedBytes, even below the high-water mark", async () => {
    const socket = open({ maxBufferedBytes: 1000, slowConsumer: "drop" });
    connection.bufferedAmount = 1001;
    expect(socket.send("dropped")).toBe(false);
    expect(await settled(socket.drained)).toBe("pending");
  });

  it("rejects even when the connection ends cleanly, which ends the loop of a sender", async () => {
    const socket = open();
    connection.bufferedAmount = 70_000;
    const { drained } = socket;
    connection.end({ code: 1000 });
    await expect(drained).rejects.toMatchObject({ closeCode: 1000 });
    await expect(socket.drained).rejects.toBeInstanceOf(ConnectionClosedError);
  });

  it("can reject without a handler, before and after the end", async () => {
    const errors = await uncaughtErrorsOf(async () => {
      const socket = open();
      connection.bufferedAmount = 70_000;
      void socket.drained;
      connection.end({ code: 1006 });
      void socket.drained;
    });
    expect(errors).toEqual([]);
  });
});

describe("addStream", () => {
  it("sends what the source yields, and resolves at its end", async () => {
    const socket = open();
    await socket.addStream(["a", new Uint8Array([1])]);
    await socket.addStream(new Response("b").body ?? []);
    expect(connection.sent).toEqual(["a", new Uint8Array([1]), new Uint8Array([98])]);
  });

  it("requests the next item only when the buffer has room", async () => {
    const socket = open({ highWaterMarkBytes: 100 });
    connection.bytesPerMessage = 60;
    let taken = 0;
    const source = function* (): Generator<string> {
      while (taken < 4) yield String(++taken);
    };
    const whenDone = socket.addStream(source());
    await nextTurn();
    expect(connection.sent).toEqual(["1", "2"]);
    connection.drain();
    await nextTurn();
    expect(connection.sent).toEqual(["1", "2", "3", "4"]);
    connection.drain();
    await whenDone;
  });

  it("rejects with the error that the source throws midway", async () => {
    const source = async function* (): AsyncGenerator<string> {
      yield "a";
      throw new Error("source failed");
    };
    await expect(open().addStream(source())).rejects.toThrow("source failed");
    expect(connection.sent).toEqual(["a"]);
  });

  it("rejects and stops the source when the connection ends", async () => {
    const socket = open();
    const onReturn = vi.fn<() => void>();
    const source = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise<IteratorResult<string>>(() => {}),
        return: async () => {
          onReturn();
          return { done: true as const, value: undefined };
        },
      }),
    };
    const whenDone = socket.addStream(source);
    connection.end({ code: 1006 });
    await expect(whenDone).rejects.toMatchObject({ closeCode: 1006 });
    expect(onReturn).toHaveBeenCalledOnce();
  });

  it("rejects and stops the source at an item that is not a message", async () => {
    let hasStopped = false;
    const source = function* (): Generator<string> {
      try {
        yield 5 as unknown as string;
      } finally {
        hasStopped = true;
      }
    };
    await expect(open().addStream(source())).rejects.toMatchObject({ code: "INVALID_DATA" });
    expect(hasStopped).toBe(true);
  });

  it.each([{}, null, undefined, 5, "text"])("throws at once for the source %o", (source) => {
    expect(() => open().addStream(source as Iterable<string>)).toThrow(
      expect.objectContaining({ code: "INVALID_SOURCE" }),
    );
  });

  it("ignores an error while stopping the source, and does not stop a source that has ended", async () => {
    const socket = open();
    const onReturn = vi.fn<() => never>(() => {
      throw new Error("cannot stop");
    });
    const source = (next: () => Promise<IteratorResult<string>>) => ({
      [Symbol.asyncIterator]: () => ({ next, return: onReturn }),
    });
    await socket.addStream(source(async () => ({ done: true, value: undefined })));
    const whenDone = socket.addStream(source(() => new Promise(() => {})));
    connection.end({ code: 1006 });
    await expect(whenDone).rejects.toMatchObject({ closeCode: 1006 });
    await nextTurn();
    expect(onReturn).toHaveBeenCalledOnce();
  });
});

describe("a socket with Web Streams", () => {
  it("reads messages from readable only on demand", async () => {
    const socket = open({ maxQueuedBytes: 128, maxQueuedMessages: 2 });
    const { readable } = socket;
    expect(socket.readable).toBe(readable);
    connection.handler.onText("a");
    connection.handler.onText("b");
    await nextTurn();
    expect(connection.calls).toEqual([["pause"]]);
    connection.end();
    const messages: Message[] = [];
    for await (const message of readable) messages.push(message);
    expect(messages).toEqual(["a", "b"]);
  });

  it("errors readable when the connection is lost", async () => {
    const reader = open().readable.getReader();
    connection.end({ code: 1006 });
    await expect(reader.read()).rejects.toBeInstanceOf(ConnectionClosedError);
  });

  it("closes with 1000 when readable is cancelled", async () => {
    await open().readable.cancel();
    await vi.waitFor(() => expect(connection.calls).toEqual([["close", 1000, ""]]));
  });

  it("sends written messages at the pace of the peer and closes at the end", async () => {
    const socket = open({ highWaterMarkBytes: 100 });
    connection.bytesPerMessage = 100;
    const writer = socket.writable.getWriter();
    const isWritten = vi.fn<() => void>();
    void writer.write("a").then(isWritten);
    await nextTurn();
    expect(connection.sent).toEqual(["a"]);
    expect(isWritten).not.toHaveBeenCalled();
    connection.drain();
    await nextTurn();
    expect(isWritten).toHaveBeenCalledOnce();
    const whenClosed = writer.close();
    await nextTurn();
    expect(connection.calls).toEqual([["close", 1000, ""]]);
    connection.end();
    await whenClosed;
  });

  it("errors writable when the connection ends, and closes with 1011 when writable is aborted", async () => {
    const writer = open().writable.getWriter();
    connection.end({ code: 4001 });
    await expect(writer.closed).rejects.toMatchObject({ closeCode: 4001 });
    await expect(writer.write("late")).rejects.toMatchObject({ closeCode: 4001 });

    connection = new FakeConnection();
    await open().writable.abort();
    expect(connection.calls).toEqual([["close", 1011, ""]]);
  });
});

describe("a socket", () => {
  it.each([
    ["MESSAGE_TOO_BIG", 1009, "maxMessageBytes"],
    ["UNFINISHED_TOO_BIG", 1013, "maxUnfinishedBytes"],
    ["UNREAD_TOO_BIG", 1013, "maxQueuedBytes"],
    ["RATE_EXCEEDED", 1008, "maxMessagesPerSecond"],
    ["RESERVED_OPCODE", 1002, undefined],
  ])("reports the option that the peer exceeded: %s", (code, closeCode, option) => {
    const socket = open();
    connection.handler.onClosing(new ProtocolError(code, "reason", { closeCode }));
    expect(onRefused.mock.calls).toEqual([[socket, { closeCode, reason: "reason", option }]]);
  });

  it("closes with 1000 by default, and only once", () => {
    const socket = open();
    socket.close();
    socket.close(4000, "late");
    expect(connection.calls).toEqual([["close", 1000, ""]]);
  });

  it.each([0, 999, 1004, 1005, 1006, 1010, 1015, 1016, 2999, 5000, 1000.5, Number.NaN, "1000"])(
    "throws for the code %s and changes nothing (RFC 6455 7.4)",
    (code) => {
      expect(() => open().close(code as number)).toThrow(
        expect.objectContaining({ code: "INVALID_CLOSE_CODE" }),
      );
      expect(connection.calls).toEqual([]);
    },
  );

  it("accepts a reason of at most 123 bytes of UTF-8 (RFC 6455 5.5)", () => {
    const socket = open();
    expect(() => socket.close(1000, `${"é".repeat(61)}xy`)).toThrow(
      expect.objectContaining({
        code: "INVALID_CLOSE_REASON",
        message: expect.stringContaining("124"),
      }),
    );
    socket.close(1000, `${"é".repeat(61)}x`);
    expect(connection.calls).toEqual([["close", 1000, `${"é".repeat(61)}x`]]);
  });

  it.each([null, 5, {}, ["why"]])("throws for the reason %j and changes nothing", (reason) => {
    expect(() => open().close(1000, reason as never)).toThrow(
      expect.objectContaining({
        name: "UsageError",
        code: "INVALID_CLOSE_REASON",
        message: expect.stringMatching(/^a close reason must be a string, not \S/),
      }),
    );
    expect(connection.calls).toEqual([]);
  });

  it("resolves done with the close code and reason, before and after the end", async () => {
    const socket = open();
    const { done } = socket;
    connection.end({ code: 1006 });
    const info = { code: 1006, reason: "", wasClean: false };
    expect(await done).toEqual(info);
    expect(await socket.done).toEqual(info);
    expect(onClosed).toHaveBeenCalledOnce();
  });

  it("ends the connection without a closing handshake on terminate", () => {
    open().terminate();
    expect(connection.calls).toEqual([["terminate"]]);
  });

  it("sends pings of at most 125 bytes (RFC 6455 5.5)", () => {
    const socket = open();
    socket.ping();
    socket.ping("é");
    socket.ping(new Uint8Array(125));
    socket.ping(`${"é".repeat(62)}x`);
    expect(connection.calls).toEqual([
      ["ping", new Uint8Array()],
      ["ping", new TextEncoder().encode("é")],
      ["ping", new Uint8Array(125)],
      ["ping", new TextEncoder().encode(`${"é".repeat(62)}x`)],
    ]);
    for (const tooLong of [new Uint8Array(126), "é".repeat(63)]) {
      expect(() => socket.ping(tooLong)).toThrow(
        expect.objectContaining({
          code: "CONTROL_TOO_BIG",
          message: expect.stringContaining("126 bytes exceeds the limit of 125"),
        }),
      );
    }
  });

  it("shows the negotiated subprotocol and extensions, and the state", () => {
    const socket = open();
    expect([socket.protocol, socket.extensions, socket.readyState, socket.bufferedAmount]).toEqual([
      "chat",
      "",
      1,
      0,
    ]);
  });
});

describe("a handler", () => {
  it("leaves the socket open when it returns", async () => {
    const socket = open();
    socket.runHandler(() => new Set([socket]));
    await nextTurn();
    expect(connection.calls).toEqual([]);
  });

  it.each([
    [
      "throws",
      () => {
        throw new Error("bug");
      },
    ],
    [
      "rejects",
      async () => {
        throw new Error("bug");
      },
    ],
  ])("closes with 1011 and is reported if it %s", async (_how, handler) => {
    open().runHandler(handler);
    await nextTurn();
    expect(onFailure.mock.calls).toEqual([[expect.any(ServerSocket), new Error("bug")]]);
    expect(connection.calls).toEqual([["close", 1011, ""]]);
  });

  it("ends once, even with a thenable that settles twice", async () => {
    const onEnd = vi.fn<() => void>();
    const thenable = {
      // oxlint-disable-next-line unicorn/no-thenable -- some libraries return such objects
      then(onFulfilled: () => void): void {
        onFulfilled();
        onFulfilled();
      },
    };
    open().runHandler(() => thenable, onEnd);
    await nextTurn();
    expect(onEnd).toHaveBeenCalledOnce();
  });

  it("is not reported when it rejects with the end of its own connection", async () => {
    const socket = open();
    socket.runHandler(async () => {
      for await (const _ of socket);
    });
    connection.end({ code: 1006 });
    await nextTurn();
    expect(onFailure).not.toHaveBeenCalled();
  });

  it("is reported when it rejects with the end of another connection", async () => {
    const other = open();
    connection.end({ code: 1006 });
    connection = new FakeConnection();
    open().runHandler(() => other.drained);
    await nextTurn();
    expect(onFailure).toHaveBeenCalledOnce();
  });
});

describe("consume", () => {
  it("passes each message and the end to a listener", async () => {
    const socket = open();
    const log: unknown[] = [];
    const listener = {
      onMessage: (message: Message) => log.push(message),
      onEnd: () => log.push("end"),
      onCancel: () => log.push("cancel"),
    };
    socket.consume(listener);
    expect(() => socket.consume(listener)).toThrow(
      expect.objectContaining({ code: "ALREADY_CONSUMED" }),
    );
    await nextTurn();
    connection.handler.onText("a");
    connection.end({ code: 1000 });
    expect(log).toEqual(["a", "end"]);
  });

  it("has the maximum size of messages of its connection", () => {
    const socket = open();
    socket.maxMessageBytes = 5;
    expect([socket.maxMessageBytes, connection.maxMessageBytes]).toEqual([5, 5]);
  });
});
