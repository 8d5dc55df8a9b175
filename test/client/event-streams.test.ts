import { describe, expect, it, vi } from "vitest";
import { withEventStreams } from "../../src/client/event-streams.ts";
import type { WebSocketInstance } from "../../src/client/web-socket-interface.ts";
import { ProtocolError } from "../../src/errors/index.ts";
import { type FakeConnection, FakeNetwork } from "./fake-connector.ts";

const NORMAL = { code: 1000, reason: "", wasClean: true };
const LOST = { code: 1006, reason: "", wasClean: false };

describe("the event streams of a socket", () => {
  it("are created once per socket", () => {
    const network = new FakeNetwork();
    const [a, b] = [network.socket(), network.socket()];
    for (const name of ["onOpen", "onMessage", "onError", "onClose", "on"] as const) {
      expect(a[name]).toBe(a[name]);
      expect(a[name]).not.toBe(b[name]);
    }
  });

  it("carry the events and end after the close event", async () => {
    const network = new FakeNetwork();
    const socket = network.socket();
    const calls: unknown[] = [];
    for (const stream of [socket.onOpen, socket.onMessage, socket.onError, socket.onClose]) {
      stream.listen(({ type }) => calls.push(type), { onDone: () => calls.push("done") });
    }
    const connection = network.accept();
    network.runTasks();
    connection.text("a");
    connection.end(LOST);
    network.runTasks();
    expect(calls.filter((call) => call !== "done")).toEqual(["open", "message", "error", "close"]);
    expect(calls.filter((call) => call === "done")).toHaveLength(4);
    expect(calls.indexOf("done")).toBeGreaterThan(calls.indexOf("error"));
  });

  it("iterate over the messages until the socket is closed", async () => {
    const { socket, connection } = new FakeNetwork().open();
    const messages = socket.onMessage[Symbol.asyncIterator]();
    connection.text("a");
    connection.text("b");
    connection.end(NORMAL);
    const observed: unknown[] = [];
    for await (const { data } of messages) observed.push(data);
    expect(observed).toEqual(["a", "b"]);
  });

  it("report the reason even after the socket has closed", async () => {
    const { socket, connection } = new FakeNetwork().open();
    connection.end({ code: 4003, reason: "banned", wasClean: true });
    for (const stream of [socket.onOpen, socket.onMessage, socket.onError, socket.onClose]) {
      await expect(stream.first).rejects.toMatchObject({
        name: "ConnectionClosedError",
        code: "CONNECTION_CLOSED",
        closeCode: 4003,
        reason: "banned",
        wasClean: true,
        closedBy: "peer",
      });
    }
    await expect(socket.onMessage[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      closeCode: 4003,
    });
  });

  it("report no reason for a socket of another library that is already closed", async () => {
    const { WebSocket } = new FakeNetwork();
    const other = Object.assign(new EventTarget(), { readyState: 3 });
    await expect(WebSocket.messageEvent.forTarget(other).first).rejects.toMatchObject({
      code: "STREAM_ENDED",
      message: "no event: listen earlier",
    });
  });

  it.each([1000, 1001, 1005])(
    "end a loop over messages without an error at the close code %i",
    async (code) => {
      const { socket, connection } = new FakeNetwork().open();
      const next = socket.onMessage[Symbol.asyncIterator]().next();
      const onDone = vi.fn();
      socket.onMessage.listen(() => {}, { onDone });
      const first = socket.onMessage.first;
      connection.end({ code, reason: "", wasClean: true });
      expect(await next).toEqual({ done: true, value: undefined });
      await expect(first).rejects.toMatchObject({ closeCode: code });
      expect(onDone).toHaveBeenCalledExactlyOnceWith(
        undefined,
        expect.objectContaining({ closeCode: code }),
      );
    },
  );

  it.each([1002, 1003, 1008, 1011, 1013, 3000, 4003])(
    "make a loop over messages throw at the close code %i after the messages, and no other loop",
    async (code) => {
      const { socket, connection } = new FakeNetwork().open();
      const [messages, opens, closes] = [socket.onMessage, socket.onOpen, socket.onClose].map(
        (stream) => stream.map((event) => event.type)[Symbol.asyncIterator](),
      );
      const onDone = vi.fn();
      socket.onMessage.listen(() => {}, { onDone });
      connection.text("a");
      connection.end({ code, reason: "because", wasClean: true });
      const closed = expect.objectContaining({
        name: "ConnectionClosedError",
        closeCode: code,
        reason: "because",
      });
      expect((await messages.next()).value).toBe("message");
      await expect(messages.next()).rejects.toEqual(closed);
      expect((await messages.next()).done).toBe(true);
      expect((await opens.next()).done).toBe(true);
      expect((await closes.next()).value).toBe("close");
      expect((await closes.next()).done).toBe(true);
      expect(onDone).toHaveBeenCalledExactlyOnceWith(closed, closed);
    },
  );

  it("report which side closed and why", async () => {
    const ends: [(socket: WebSocketInstance, connection: FakeConnection) => void, object][] = [
      [
        (socket, connection) => {
          socket.close(4000);
          connection.end({ code: 4000, reason: "", wasClean: true });
        },
        { closedBy: "local", closeCode: 4000 },
      ],
      [
        (_, connection) => connection.end(LOST),
        {
          closedBy: "transport",
          cause: expect.objectContaining({ name: "TransportError" }),
          message: "the connection ended with 1006: the connection was lost",
        },
      ],
      [
        (_, connection) =>
          connection.end({ ...LOST, error: new ProtocolError("X", "a bad frame") }),
        {
          closedBy: "local",
          message: "the connection ended with 1006 (closed by this side): a bad frame",
        },
      ],
      [
        (_, connection) => connection.end({ code: 1011, reason: "x", wasClean: false }),
        {
          closedBy: "peer",
          closeCode: 1011,
        },
      ],
    ];
    for (const [end, expected] of ends) {
      const network = new FakeNetwork();
      const { socket, connection } = network.open();
      const first = socket.onMessage.first;
      end(socket, connection);
      network.runTasks();
      await expect(first).rejects.toMatchObject(expected);
    }
  });

  it("give the close event to a listener added during the error event", async () => {
    const network = new FakeNetwork();
    const { socket, connection } = network.open();
    const closed = socket.onError.first.then(() => socket.onClose.first);
    connection.end(LOST);
    await Promise.resolve();
    network.runTasks();
    expect(await closed).toMatchObject(LOST);
  });

  it("give the close event to a listener added during the error event, even if timers fire before it", async () => {
    vi.useFakeTimers();
    try {
      const network = new FakeNetwork();
      const { socket, connection } = network.open();
      const closed = new Promise((resolve) => {
        socket.onerror = () => resolve(socket.onClose.first);
      });
      connection.end(LOST);
      vi.runAllTimers();
      network.runTasks();
      expect(await closed).toMatchObject(LOST);
    } finally {
      vi.useRealTimers();
    }
  });

  it("are accessors that are not enumerable, like the other additions", () => {
    const { WebSocket } = new FakeNetwork();
    for (const name of ["onOpen", "on", "sendString"]) {
      expect(Object.getOwnPropertyDescriptor(WebSocket.prototype, name)).toMatchObject({
        enumerable: false,
        configurable: true,
      });
    }
    expect(Object.keys(WebSocket)).toEqual(["CONNECTING", "OPEN", "CLOSING", "CLOSED"]);
  });
});

describe("on", () => {
  it("adds one listener of each type and removes it", () => {
    const network = new FakeNetwork();
    const socket = network.socket();
    const calls: string[] = [];
    const listener = ({ type }: Event): void => void calls.push(type);
    socket.on.open.add(listener).add(listener);
    socket.on.message.add(listener);
    socket.on.error.add(listener);
    socket.on.close.add(listener);
    const connection = network.accept();
    network.runTasks();
    connection.text("a");
    socket.on.message.remove(listener);
    connection.text("b");
    connection.end(LOST);
    network.runTasks();
    expect(calls).toEqual(["open", "message", "error", "close"]);
  });
});

describe("the static members of the class", () => {
  it("provide the streams of any WebSocket", () => {
    const { WebSocket } = new FakeNetwork();
    class Other extends EventTarget {
      readonly readyState = 1;
    }
    const other = new Other();
    const calls: string[] = [];
    for (const provider of [
      WebSocket.openEvent,
      WebSocket.messageEvent,
      WebSocket.errorEvent,
      WebSocket.closeEvent,
    ]) {
      provider.forTarget(other).listen(({ type }) => calls.push(type));
    }
    for (const type of ["message", "open", "error", "close", "message"]) {
      other.dispatchEvent(new Event(type));
    }
    expect(calls).toEqual(["message", "open", "error", "close"]);
  });

  it("report that WebSockets are supported", () => {
    expect(new FakeNetwork().WebSocket.supported).toBe(true);
  });
});

describe("the send variants", () => {
  it("send text, a Blob, a buffer and a view", async () => {
    const { socket, connection } = new FakeNetwork().open();
    const bytes = new Uint8Array([1, 2, 3]);
    socket.sendString("a");
    socket.sendByteBuffer(bytes.buffer);
    socket.sendTypedData(bytes.subarray(1));
    socket.sendBlob(new Blob(["b"]));
    await vi.waitUntil(() => connection.sent.length === 4);
    expect(connection.sent).toEqual(["a", [1, 2, 3], [2, 3], [98]]);
  });
});

describe("withEventStreams", () => {
  it("adds streams for further types of events and returns the same class", () => {
    class Base extends EventTarget {
      readonly readyState = 1;
      send(): void {}
    }
    const Extended = withEventStreams(Base, ["ping"], false);
    expect(Extended).toBe(Base);
    expect(Extended.supported).toBe(false);
    const target = new Extended() as unknown as EventTarget & {
      onPing: { listen(listener: () => void): void };
    };
    const listener = vi.fn();
    target.onPing.listen(listener);
    target.dispatchEvent(new Event("ping"));
    expect(listener).toHaveBeenCalledOnce();
  });
});
