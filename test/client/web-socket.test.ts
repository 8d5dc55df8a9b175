import { describe, expect, it, vi } from "vitest";
import type { WebSocketCloseEvent } from "../../src/client/close-event.ts";
import type { WebSocketErrorEvent } from "../../src/client/web-socket-events.ts";
import { HandshakeError, TransportError } from "../../src/errors/index.ts";
import { FakeConnection, FakeNetwork, eventsOf } from "./fake-connector.ts";
import { countShifts } from "../support/count-shifts.ts";

const domException = (name: string): unknown => expect.objectContaining({ name });
const NORMAL = { code: 1000, reason: "", wasClean: true };
const LOST = { code: 1006, reason: "", wasClean: false };

/** Runs all pending promise jobs. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("a WebSocket that opens", () => {
  it("starts in CONNECTING, without events during the constructor", () => {
    const network = new FakeNetwork();
    const socket = network.socket();
    expect(socket).toMatchObject({
      readyState: 0,
      bufferedAmount: 0,
      extensions: "",
      protocol: "",
    });
    expect(network.attempts).toHaveLength(1);
  });

  it("sets readyState, protocol and extensions before it fires open", () => {
    const network = new FakeNetwork();
    const socket = network.socket(["a", "b"]);
    const observed: unknown[] = [];
    socket.onopen = (event) => {
      observed.push(event.constructor, socket.readyState, socket.protocol, socket.extensions);
    };
    network.accept(new FakeConnection("b", "permessage-deflate"));
    expect(observed).toEqual([Event, 1, "b", "permessage-deflate"]);
  });

  it("keeps messages until code that awaits the open event has added its listeners", async () => {
    const network = new FakeNetwork();
    const socket = network.socket();
    const received: unknown[] = [];
    const opened = socket.onOpen.first.then(async () => {
      for (let i = 0; i < 10; i++) await Promise.resolve();
      socket.onmessage = ({ data }) => received.push(data);
    });
    network.accept().text("early");
    await opened;
    network.runTasks();
    expect(received).toEqual(["early"]);
  });

  it("fires error and then close with 1006 when it fails", () => {
    const network = new FakeNetwork();
    const socket = network.socket();
    const events = eventsOf(socket);
    const error = new HandshakeError("REFUSED", "status 403");
    const states: number[] = [];
    let failure: WebSocketErrorEvent | undefined;
    let close: WebSocketCloseEvent | undefined;
    socket.onerror = (event) => (states.push(socket.readyState), (failure = event));
    socket.onclose = (event) => (states.push(socket.readyState), (close = event));
    network.attempts[0].handler.onFailed(error);
    network.runTasks();
    expect(events).toEqual(["error", "close"]);
    expect(states).toEqual([3, 3]);
    expect(failure!.constructor).toBe(Event);
    expect(failure!.error).toBe(error);
    expect(close).toMatchObject(LOST);
  });

  it("throws an InvalidStateError for send, after converting its argument", () => {
    const socket = new FakeNetwork().socket();
    expect(() => socket.send("x")).toThrow(domException("InvalidStateError"));
    expect(() => socket.send(Symbol("x") as never)).toThrow(TypeError);
    expect(() => (socket.send as () => void)()).toThrow(TypeError);
    expect(socket.bufferedAmount).toBe(0);
  });

  it("is cancelled by close: CLOSING at once, error and close with 1006 in a later task", () => {
    const network = new FakeNetwork();
    const socket = network.socket();
    const events = eventsOf(socket);
    let close: WebSocketCloseEvent | undefined;
    socket.onclose = (event) => (close = event);
    socket.close(3000, "reason");
    socket.close();
    expect(socket.readyState).toBe(2);
    expect(network.attempts[0].isAborted).toBe(true);
    expect(events).toEqual([]);
    network.runTasks();
    expect(events).toEqual(["error", "close"]);
    expect(close).toMatchObject(LOST);
    expect(socket.readyState).toBe(3);
  });
});

describe("messages", () => {
  it("arrive as strings, with the origin of the url", () => {
    const { socket, connection } = new FakeNetwork().open();
    const received: MessageEvent[] = [];
    socket.onmessage = (event) => received.push(event);
    connection.text("h\u{e9}llo");
    connection.text("");
    expect(received.map(({ data }) => data as string)).toEqual(["h\u{e9}llo", ""]);
    expect(received[0]).toBeInstanceOf(MessageEvent);
    expect(received[0]).toMatchObject({ origin: "ws://host", lastEventId: "", source: null });
    expect(received[0].ports).toEqual([]);
  });

  it("arrive as the type that binaryType names on arrival", async () => {
    const { socket, connection } = new FakeNetwork().open();
    const received: unknown[] = [];
    socket.onmessage = ({ data }) => received.push(data);
    connection.binary(1, 2);
    socket.binaryType = "arraybuffer";
    connection.binary(3);
    connection.binary(4, 5);
    expect(received[0]).toBeInstanceOf(Blob);
    expect((received[0] as Blob).type).toBe("");
    expect(new Uint8Array(await (received[0] as Blob).arrayBuffer())).toEqual(
      new Uint8Array([1, 2]),
    );
    expect(received.slice(1)).toEqual([new Uint8Array([3]).buffer, new Uint8Array([4, 5]).buffer]);
  });

  it("are not dispatched after close was called or after the peer closes", () => {
    for (const start of ["close", "peer"]) {
      const { socket, connection, events } = new FakeNetwork().open();
      if (start === "close") socket.close();
      else connection.closing();
      expect(socket.readyState).toBe(2);
      connection.handler.onText("late");
      connection.handler.onBinary(new Uint8Array(1));
      expect(events).toEqual(["open"]);
    }
  });
});

describe("send", () => {
  it("sends strings as text and bytes as binary", () => {
    const { socket, connection } = new FakeNetwork().open();
    const bytes = new Uint8Array([9, 1, 2, 9]);
    socket.send("text");
    socket.send(bytes.buffer);
    socket.send(bytes.subarray(1, 3));
    socket.send(new DataView(bytes.buffer, 3));
    socket.send(new Uint16Array([0x0201]));
    socket.send(new ArrayBuffer(0));
    expect(connection.sent).toEqual(["text", [9, 1, 2, 9], [1, 2], [9], [1, 2], []]);
  });

  it.each([
    [null, "null"],
    [undefined, "undefined"],
    [5, "5"],
    [{}, "[object Object]"],
    [["a", "b"], "a,b"],
    [new SharedArrayBuffer(1), "[object SharedArrayBuffer]"],
  ])("converts %s to a string, like the union of Web IDL", (data, text) => {
    const { socket, connection } = new FakeNetwork().open();
    socket.send(data as never);
    expect(connection.sent).toEqual([text]);
  });

  it("sends a detached buffer as an empty message", () => {
    const { socket, connection } = new FakeNetwork().open();
    const bytes = new Uint8Array(4);
    structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
    socket.send(bytes.buffer);
    socket.send(bytes);
    expect(connection.sent).toEqual([[], []]);
  });

  it("throws a TypeError for shared or resizable bytes (no [AllowShared])", () => {
    const { socket, connection } = new FakeNetwork().open();
    const resizable = new (ArrayBuffer as never as new (n: number, o: object) => ArrayBuffer)(1, {
      maxByteLength: 2,
    });
    expect(() => socket.send(new Uint8Array(new SharedArrayBuffer(1)))).toThrow(TypeError);
    expect(() => socket.send(resizable)).toThrow(TypeError);
    expect(() => socket.send(new Uint8Array(resizable))).toThrow(TypeError);
    expect(connection.sent).toEqual([]);
  });

  it("keeps the order of the calls around Blobs that are still being read", async () => {
    const { socket, connection } = new FakeNetwork().open();
    const bytes = new Uint8Array([1, 2]);
    socket.send("before");
    socket.send(new Blob([new Uint8Array([7, 8])]));
    socket.send(bytes);
    bytes.fill(0);
    socket.send("between");
    socket.send(new Blob([]));
    socket.send("after");
    expect(connection.sent).toEqual(["before"]);
    await vi.waitUntil(() => connection.sent.length === 6);
    expect(connection.sent).toEqual(["before", [7, 8], [1, 2], "between", [], "after"]);
    socket.send("direct");
    expect(connection.sent.at(-1)).toBe("direct");
  });

  it("passes a message on without moving the messages after it, as many may wait for a Blob", async () => {
    const { socket, connection } = new FakeNetwork().open();
    const shifts = await countShifts(async () => {
      socket.send(new Blob(["blob"]));
      for (const text of ["first", "second"]) socket.send(text);
      await vi.waitUntil(() => connection.sent.length === 3);
    });
    expect(connection.sent.slice(1)).toEqual(["first", "second"]);
    expect(shifts).toBe(0);
  });

  it("fails the connection when a Blob cannot be read", async () => {
    const { socket, connection, events } = new FakeNetwork().open();
    const cause = new Error("gone");
    const blob = new Blob(["x"]);
    blob.arrayBuffer = () => Promise.reject(cause);
    let failure: WebSocketErrorEvent | undefined;
    socket.onerror = (event) => (failure = event);
    socket.send(blob);
    socket.send("behind");
    socket.close();
    await turn();
    expect(failure!.error).toMatchObject({ code: "BLOB_UNREADABLE", cause });
    expect(connection.sent).toEqual([]);
    expect(connection.log).toEqual([["terminate"]]);
    expect(events).toEqual(["open", "error"]);
    expect(socket.bufferedAmount).toBe(7);
  });

  it("sends nothing if the connection ends while a Blob is being read", async () => {
    const network = new FakeNetwork();
    const { socket, connection, events } = network.open();
    socket.send(new Blob(["12345"]));
    socket.send("678");
    connection.end(LOST);
    await turn();
    network.runTasks();
    expect(connection.sent).toEqual([]);
    expect(events).toEqual(["open", "error", "close"]);
    expect(socket.bufferedAmount).toBe(8);
  });
});

describe("bufferedAmount", () => {
  it("counts the payload that has not left, without framing", async () => {
    const { socket, connection } = new FakeNetwork().open();
    socket.send("\u{20AC}");
    socket.send("\u{D800}");
    socket.send(new Uint8Array(10));
    expect(socket.bufferedAmount).toBe(16);
    connection.bufferedAmount = 0;
    expect(socket.bufferedAmount).toBe(0);
    socket.send("abc");
    expect(socket.bufferedAmount).toBe(3);
    connection.bufferedAmount = 2;
    expect(socket.bufferedAmount).toBe(2);
    socket.send(new Blob(["12345"]));
    expect(socket.bufferedAmount).toBe(7);
    await vi.waitUntil(() => connection.sent.length === 5);
    connection.bufferedAmount = 0;
    expect(socket.bufferedAmount).toBe(0);
  });

  it("grows by the payload of each message, even while earlier messages are pending (WHATWG send)", () => {
    const { socket, connection } = new FakeNetwork().open();
    socket.send("x".repeat(100));
    connection.bufferedAmount = 50;
    for (const text of ["", "y", "zz"]) {
      const before = socket.bufferedAmount;
      socket.send(text);
      expect(socket.bufferedAmount).toBe(before + text.length);
    }
    expect(socket.bufferedAmount).toBe(53);
    connection.bufferedAmount = 1;
    expect(socket.bufferedAmount).toBe(1);
  });

  it("never decreases once closing has started", () => {
    const network = new FakeNetwork();
    const { socket, connection } = network.open();
    socket.send("unsent");
    socket.close();
    socket.send("\u{e9}");
    socket.send(new Blob(["123"]));
    socket.send(new Uint8Array(4));
    expect(socket.bufferedAmount).toBe(6 + 2 + 3 + 4);
    connection.end(LOST);
    network.runTasks();
    connection.bufferedAmount = 0;
    socket.send("x");
    expect(socket.bufferedAmount).toBe(6 + 2 + 3 + 4 + 1);
    expect(connection.sent).toEqual(["unsent"]);
  });
});

describe("close", () => {
  it.each([
    0,
    999,
    1001,
    1005,
    1006,
    2999,
    5000,
    65535,
    65536 + 1000,
    -1,
    Infinity,
    Number.NaN,
    "",
    null,
    "x",
  ])("throws an InvalidAccessError for the code %s and changes nothing", (code) => {
    const { socket, connection } = new FakeNetwork().open();
    expect(() => socket.close(code as number)).toThrow(domException("InvalidAccessError"));
    expect(socket.readyState).toBe(1);
    expect(connection.log).toEqual([]);
  });

  it.each([
    [1000, 1000],
    [3000, 3000],
    [4999, 4999],
    ["3000", 3000],
    [3000.4, 3000],
    [3000.5, 3000],
    [2999.5, 3000],
    [3001.5, 3002],
    [{ valueOf: (): number => 4000 }, 4000],
  ])("converts the code %s to %d ([Clamp] rounds ties to even)", (code, status) => {
    const { socket, connection } = new FakeNetwork().open();
    socket.close(code as number);
    expect(connection.log).toEqual([["close", status, ""]]);
    expect(socket.readyState).toBe(2);
  });

  it("sends no code without arguments, and 1000 with a reason alone", () => {
    for (const [args, call] of [
      [[], ["close", undefined, ""]],
      [
        [undefined, undefined],
        ["close", undefined, ""],
      ],
      [
        [undefined, ""],
        ["close", undefined, ""],
      ],
      [
        [undefined, "bye"],
        ["close", 1000, "bye"],
      ],
      [
        [3000, null],
        ["close", 3000, "null"],
      ],
      [
        [3000, "\u{D800}"],
        ["close", 3000, "\u{FFFD}"],
      ],
    ] as const) {
      const { socket, connection } = new FakeNetwork().open();
      socket.close(...(args as unknown as [number?, string?]));
      expect(connection.log).toEqual([call]);
    }
  });

  it("accepts a reason of 123 bytes of UTF-8 and throws a SyntaxError above", () => {
    const { socket, connection } = new FakeNetwork().open();
    expect(() => socket.close(1000, "x".repeat(124))).toThrow(domException("SyntaxError"));
    expect(() => socket.close(1000, "\u{20AC}".repeat(42))).toThrow(domException("SyntaxError"));
    expect(socket.readyState).toBe(1);
    socket.close(1000, "\u{20AC}".repeat(41));
    expect(connection.log).toEqual([["close", 1000, "\u{20AC}".repeat(41)]]);
  });

  it("checks its arguments in every state", () => {
    const network = new FakeNetwork();
    const connecting = network.socket();
    expect(() => connecting.close(1001)).toThrow(domException("InvalidAccessError"));
    expect(connecting.readyState).toBe(0);
    const { socket, connection } = network.open();
    connection.end(NORMAL);
    expect(() => socket.close(1001)).toThrow(domException("InvalidAccessError"));
  });

  it("has an effect only once", () => {
    const network = new FakeNetwork();
    const { socket, connection, events } = network.open();
    socket.close(3000);
    socket.close(3001);
    connection.end({ code: 3000, reason: "", wasClean: true });
    socket.close(3002);
    expect(connection.log).toEqual([["close", 3000, ""]]);
    expect(events).toEqual(["open", "close"]);
  });

  it("waits for the Blobs that were sent before it", async () => {
    const { socket, connection } = new FakeNetwork().open();
    socket.send(new Blob(["a"]));
    socket.send("b");
    socket.close(1000);
    socket.send("never");
    expect(socket.readyState).toBe(2);
    expect(connection.log).toEqual([]);
    await vi.waitUntil(() => connection.log.length > 0);
    expect(connection.sent).toEqual([[97], "b"]);
    expect(connection.log).toEqual([["close", 1000, ""]]);
  });
});

describe("the end of the connection", () => {
  it("fires only a close event if it is clean", () => {
    const { socket, connection, events } = new FakeNetwork().open();
    let close: WebSocketCloseEvent | undefined;
    socket.onclose = (event) => (close = event);
    connection.closing();
    connection.end({ code: 4001, reason: "r\u{e9}ason", wasClean: true });
    expect(events).toEqual(["open", "close"]);
    expect(close).toMatchObject({ code: 4001, reason: "r\u{e9}ason", wasClean: true });
    expect(socket.readyState).toBe(3);
  });

  it("fires error and then close if it is not clean (RFC 6455 7.2.1)", () => {
    const network = new FakeNetwork();
    const { socket, connection, events } = network.open();
    const error = new TransportError("RESET", "reset");
    const errors: unknown[] = [];
    socket.onerror = (event) => errors.push(event.error);
    connection.end({ ...LOST, error });
    network.runTasks();
    expect(events).toEqual(["open", "error", "close"]);
    expect(errors).toEqual([error]);
  });

  it("gives code that awaits the error time to listen for the close", async () => {
    const network = new FakeNetwork();
    const { socket, connection } = network.open();
    const close = socket.onError.first.then(() => {
      const next = socket.onClose.first;
      network.runTasks();
      return next;
    });
    connection.end(LOST);
    expect(await close).toMatchObject(LOST);
  });
});
