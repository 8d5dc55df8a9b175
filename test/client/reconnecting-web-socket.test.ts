import { beforeEach, describe, expect, it, vi } from "vitest";
import { defineCloseEvent } from "../../src/client/close-event.ts";
import type {
  ReconnectEvent,
  ReconnectingWebSocket,
  ReconnectingWebSocketOptions,
} from "../../src/client/reconnecting-interface.ts";
import type { ReconnectDecision } from "../../src/client/reconnect-policy.ts";
import { defineReconnectingWebSocket } from "../../src/client/reconnecting-web-socket.ts";
import { HandshakeError } from "../../src/errors/index.ts";
import { FakeConnection, FakeNetwork, eventsOf } from "./fake-connector.ts";

const LOST = { code: 1006, reason: "", wasClean: false };
const clean = (code: number, reason = ""): typeof LOST => ({ code, reason, wasClean: true });
/** Lets every promise job run. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const domException = (name: string): unknown => expect.objectContaining({ name });

/** A clock that only the test moves. */
class FakeTimers {
  #nowMs = 0;
  #timers: { atMs: number; callback: () => void }[] = [];

  readonly setTimeout = (callback: () => void, delayMs: number): object => {
    const timer = { atMs: this.#nowMs + delayMs, callback };
    this.#timers.push(timer);
    return timer;
  };

  readonly clearTimeout = (timer: object): void => {
    this.#timers = this.#timers.filter((other) => other !== timer);
  };

  /** The delays of the timers that run. */
  get pendingMs(): number[] {
    return this.#timers.map(({ atMs }) => atMs - this.#nowMs);
  }

  async advance(ms: number): Promise<void> {
    this.#nowMs += ms;
    for (const timer of this.#timers.filter(({ atMs }) => atMs <= this.#nowMs)) {
      this.clearTimeout(timer);
      timer.callback();
    }
    await turn();
  }
}

let network: FakeNetwork;
let timers: FakeTimers;

beforeEach(() => {
  network = new FakeNetwork();
  timers = new FakeTimers();
});

function create(
  options: ReconnectingWebSocketOptions = {},
  url: string | (() => string | Promise<string>) = "ws://host/",
): { socket: ReconnectingWebSocket; events: string[] } {
  const Class = defineReconnectingWebSocket(network.WebSocket, defineCloseEvent());
  const socket = new Class(url, { timers, random: () => 1, ...options });
  return { socket, events: eventsOf(socket) };
}

function accept(): FakeConnection {
  const connection = network.accept();
  network.runTasks();
  return connection;
}

function fail(): void {
  network.attempts.at(-1)!.handler.onFailed(new HandshakeError("REFUSED", "status 503"));
  network.runTasks();
}

function end(connection: FakeConnection, info = LOST): void {
  connection.end(info);
  network.runTasks();
}

describe("connecting again", () => {
  it("tells of each connection by open, and of every further one by reconnected", async () => {
    const { socket, events } = create();
    expect(socket.readyState).toBe(0);
    const connection = accept();
    expect(socket.readyState).toBe(1);
    end(connection);
    expect(socket.readyState).toBe(0);
    await timers.advance(2000);
    accept();
    expect(socket.readyState).toBe(1);
    expect(events).toEqual(["open", "error", "reconnecting", "open", "reconnected"]);
  });

  it("does not take a first connection after failures for a reconnection", async () => {
    const { events } = create();
    fail();
    await timers.advance(2000);
    accept();
    expect(events).toEqual(["error", "reconnecting", "open"]);
  });

  it("schedules one attempt, however many error and close events arrive", async () => {
    const { events } = create();
    fail();
    fail();
    fail();
    expect(timers.pendingMs).toEqual([2000]);
    await timers.advance(2000);
    expect(network.attempts).toHaveLength(2);
    expect(events).toEqual(["error", "reconnecting"]);
  });

  it("doubles the wait from 2 s to 30 s, with full jitter", async () => {
    let chance = 1;
    const { socket } = create({ random: () => chance });
    const retries: unknown[] = [];
    socket.onReconnecting.listen(({ attempt, delayMs }) => retries.push([attempt, delayMs]));
    for (const wait of [2000, 4000, 8000, 16_000, 30_000, 30_000]) {
      fail();
      expect(timers.pendingMs).toEqual([wait]);
      await timers.advance(wait);
    }
    chance = 0.25;
    fail();
    expect(retries).toEqual([
      [1, 2000],
      [2, 4000],
      [3, 8000],
      [4, 16_000],
      [5, 30_000],
      [6, 30_000],
      [7, 7500],
    ]);
  });

  it("starts anew at 2 s only after a connection that stayed open for 5 s", async () => {
    create();
    fail();
    await timers.advance(2000);
    const brief = accept();
    await timers.advance(4999);
    end(brief);
    expect(timers.pendingMs).toEqual([4000]);
    await timers.advance(4000);
    const stable = accept();
    await timers.advance(5000);
    end(stable);
    expect(timers.pendingMs).toEqual([2000]);
  });

  it("takes its delays from the options", async () => {
    create({ initialDelayMs: 10, maxDelayMs: 15, stableAfterMs: 100 });
    fail();
    expect(timers.pendingMs).toEqual([10]);
    await timers.advance(10);
    fail();
    expect(timers.pendingMs).toEqual([15]);
    await timers.advance(15);
    const connection = accept();
    await timers.advance(100);
    end(connection);
    expect(timers.pendingMs).toEqual([10]);
  });

  it("waits for half of the longest delay at least after 1013", () => {
    create({ random: () => 0 });
    end(accept(), clean(1013));
    expect(timers.pendingMs).toEqual([15_000]);
  });

  it.each([1000, 1002, 1008, 1009])("stops at the close code %d", (code) => {
    const { socket, events } = create();
    let close: unknown;
    socket.onclose = (event) => (close = event);
    end(accept(), clean(code, "why"));
    expect(events).toEqual(["open", "close"]);
    expect(close).toMatchObject({ code, reason: "why", wasClean: true });
    expect(socket.readyState).toBe(3);
    expect(timers.pendingMs).toEqual([]);
  });

  it("asks the option decide instead, if given", () => {
    const decide = vi.fn(({ code }: { code: number }): ReconnectDecision =>
      code === 4000 ? "stop" : "retry",
    );
    const { events } = create({
      decide,
    });
    end(accept(), clean(4000, "kicked"));
    expect(events).toEqual(["open", "close"]);
    expect(decide.mock.calls).toEqual([[expect.objectContaining(clean(4000, "kicked"))]]);
  });

  it("says why and how in the events reconnecting and reconnected", async () => {
    const { socket } = create();
    const seen: ReconnectEvent[] = [];
    socket.onreconnecting = (event) => seen.push(event);
    socket.onreconnected = (event) => seen.push(event);
    end(accept(), clean(1012, "restart"));
    await timers.advance(2000);
    accept();
    expect(seen.map(({ type }) => type)).toEqual(["reconnecting", "reconnected"]);
    for (const event of seen) {
      expect(event).toMatchObject({ attempt: 1, delayMs: 2000, code: 1012, reason: "restart" });
    }
  });

  it("passes on the reason of an error", () => {
    const { socket } = create();
    let error: unknown;
    socket.onerror = (event) => (error = event.error);
    fail();
    expect(error).toMatchObject({ code: "REFUSED" });
  });
});

describe("the limits among the options", () => {
  it.each(["initialDelayMs", "maxDelayMs", "stableAfterMs", "maxQueuedBytes"])(
    "%s must be from 0 to what a timer can wait; undefined means the default",
    (name) => {
      for (const value of [-1, Number.NaN, "x", {}, 2 ** 31, Infinity]) {
        expect(() => create({ [name]: value })).toThrow(
          expect.objectContaining({ name: "TidewayError", code: "INVALID_OPTION" }),
        );
      }
      expect(network.attempts).toEqual([]);
      for (const value of [undefined, 0, 2 ** 31 - 1]) create({ [name]: value });
      expect(network.attempts).toHaveLength(3);
    },
  );
});

describe("url and protocols", () => {
  it("are taken as they are, and what is wrong with them is thrown at once", () => {
    expect(() => create({}, "nonsense")).toThrow(domException("SyntaxError"));
    expect(() => create({ protocols: ["a", "a"] })).toThrow(domException("SyntaxError"));
    expect(network.attempts).toEqual([]);
    expect(timers.pendingMs).toEqual([]);
  });

  it("may be functions, which are asked before each attempt", async () => {
    let count = 0;
    const { socket } = create({ protocols: () => [`v${count}`] }, () =>
      Promise.resolve(`ws://host/${++count}`),
    );
    expect(socket.url).toBe("");
    await turn();
    expect(socket.url).toBe("ws://host/1");
    fail();
    await timers.advance(2000);
    expect(
      network.attempts.map(({ request }) => [request.url.pathname, request.protocols]),
    ).toEqual([
      ["/1", ["v1"]],
      ["/2", ["v2"]],
    ]);
  });

  it.each([
    ["rejects", (): Promise<string> => Promise.reject(new Error("no token"))],
    [
      "throws",
      (): string => {
        throw new Error("no token");
      },
    ],
    ["gives no URL", (): string => "nonsense"],
  ] as const)("count as a failed attempt when the function %s", async (_, url) => {
    const ask = vi.fn<() => string | Promise<string>>(url);
    const { socket, events } = create({}, ask);
    const codes: number[] = [];
    socket.onreconnecting = ({ code }) => codes.push(code);
    await turn();
    expect(events).toEqual(["error", "reconnecting"]);
    expect(codes).toEqual([1006]);
    ask.mockReturnValue("ws://host/ok");
    await timers.advance(2000);
    accept();
    expect(ask).toHaveBeenCalledTimes(2);
    expect(socket.url).toBe("ws://host/ok");
  });

  it("may be given as the second argument, as for a WebSocket", async () => {
    const Class = defineReconnectingWebSocket(network.WebSocket, defineCloseEvent());
    const sockets = [
      new Class("ws://host/", "a"),
      new Class(new URL("ws://host/"), ["b", "c"]),
      new Class("ws://host/", () => ["d"]),
    ];
    await turn();
    expect(network.attempts.map(({ request }) => request.protocols)).toEqual([
      ["a"],
      ["b", "c"],
      ["d"],
    ]);
    for (const socket of sockets) socket.close();
  });

  it("are joined by the options for each WebSocket", () => {
    create({ protocols: "a", webSocketOptions: { headers: { cookie: "x" }, maxMessageBytes: 9 } });
    expect(network.attempts[0].request).toMatchObject({
      protocols: ["a"],
      options: { headers: { cookie: "x" }, maxMessageBytes: 9 },
    });
  });
});

describe("the face of a WebSocket", () => {
  it("passes on messages, with their data and origin, as binaryType says", async () => {
    const { socket } = create();
    const received: MessageEvent[] = [];
    socket.onmessage = (event) => received.push(event);
    socket.binaryType = "arraybuffer";
    const first = accept();
    first.text("a");
    first.binary(1);
    end(first);
    await timers.advance(2000);
    const second = accept();
    second.binary(2);
    socket.binaryType = "blob";
    second.binary(3);
    expect(received.map(({ data }) => data as unknown).slice(0, 3)).toEqual([
      "a",
      new Uint8Array([1]).buffer,
      new Uint8Array([2]).buffer,
    ]);
    expect(received[3].data).toBeInstanceOf(Blob);
    expect(received[0]).toMatchObject({ origin: "ws://host", target: socket });
  });

  it("has the constants, the send variants and the streams", async () => {
    const { socket, events } = create();
    expect([socket.CONNECTING, socket.OPEN, socket.CLOSING, socket.CLOSED]).toEqual([0, 1, 2, 3]);
    const Class = socket.constructor as unknown as Record<string, unknown>;
    expect([Class["CONNECTING"], Class["CLOSED"], Class["supported"]]).toEqual([0, 3, true]);
    for (const type of ["open", "message", "error", "close", "reconnecting", "reconnected"]) {
      expect(Class[`${type}Event`]).toHaveProperty("forTarget");
    }
    const connection = accept();
    socket.sendString("a");
    socket.sendTypedData(new Uint8Array([1]));
    expect(connection.sent).toEqual(["a", [1]]);
    const seen: string[] = [];
    socket.on.reconnecting.add(() => seen.push("on"));
    socket.onReconnecting.listen(() => seen.push("stream"));
    end(connection);
    expect(seen).toEqual(["on", "stream"]);
    expect(events).toEqual(["open", "error", "reconnecting"]);
  });

  it("has protocol and extensions of the current connection", () => {
    const { socket } = create({ protocols: ["a"] });
    const connection = network.accept(new FakeConnection("a", "x"));
    expect([socket.protocol, socket.extensions]).toEqual(["a", "x"]);
    end(connection);
    expect([socket.protocol, socket.extensions]).toEqual(["", ""]);
  });
});

describe("send", () => {
  it("keeps what is sent without a connection, and sends it in order after open", async () => {
    const { socket } = create();
    socket.send("a");
    socket.send(new Uint8Array([1, 2]));
    socket.send(new Blob(["b"]));
    socket.send(5 as never);
    expect(socket.bufferedAmount).toBe(5);
    socket.onopen = () => socket.send("hello");
    const connection = accept();
    await vi.waitUntil(() => connection.sent.length === 5);
    expect(connection.sent).toEqual(["hello", "a", [1, 2], [98], "5"]);
    end(connection);
    socket.send("c");
    await timers.advance(2000);
    const next = accept();
    expect(next.sent).toEqual(["hello", "c"]);
  });

  it("keeps a copy of the bytes", async () => {
    const { socket } = create();
    const bytes = new Uint8Array([1, 2]);
    socket.send(bytes);
    socket.send(bytes.buffer);
    bytes.fill(0);
    const connection = accept();
    await vi.waitUntil(() => connection.sent.length === 2);
    expect(connection.sent).toEqual([
      [1, 2],
      [1, 2],
    ]);
  });

  it("throws when the queue would exceed its bytes, and keeps what waits", () => {
    const { socket } = create({ maxQueuedBytes: 4 });
    socket.send("\u{20AC}");
    expect(() => socket.send("ab")).toThrow(
      expect.objectContaining({ name: "TidewayError", code: "QUEUE_FULL" }),
    );
    socket.send("c");
    expect(socket.bufferedAmount).toBe(4);
    expect(accept().sent).toEqual(["\u{20AC}", "c"]);
  });

  it("has room for 1 MiB", () => {
    const { socket } = create();
    socket.send("x".repeat(1_048_576));
    socket.send("");
    expect(() => socket.send("x")).toThrow(expect.objectContaining({ code: "QUEUE_FULL" }));
  });

  it("keeps for the next connection what is sent while the peer closes this one", async () => {
    const { socket } = create();
    const connection = accept();
    connection.closing();
    socket.send("a");
    end(connection, clean(1001));
    await timers.advance(2000);
    expect(connection.sent).toEqual([]);
    expect(accept().sent).toEqual(["a"]);
  });

  it("does not send again what an earlier connection was given", async () => {
    const { socket } = create();
    const connection = accept();
    socket.send("a");
    end(connection);
    await timers.advance(2000);
    expect(accept().sent).toEqual([]);
  });

  it("discards what is sent after close, and counts it", () => {
    const { socket } = create();
    const connection = accept();
    socket.close();
    socket.send("abc");
    end(connection, clean(1005));
    expect(socket.bufferedAmount).toBe(3);
    expect(connection.sent).toEqual([]);
  });
});

describe("close", () => {
  it("closes the open connection, and gives its close code", async () => {
    const { socket, events } = create();
    let close: unknown;
    socket.onclose = (event) => (close = event);
    const connection = accept();
    socket.close(3000, "bye");
    socket.close(3001);
    expect(socket.readyState).toBe(2);
    expect(connection.log).toEqual([["close", 3000, "bye"]]);
    end(connection, clean(3000, "bye"));
    expect(close).toMatchObject(clean(3000, "bye"));
    expect(socket.readyState).toBe(3);
    await timers.advance(60_000);
    expect(events).toEqual(["open", "close"]);
    expect(network.attempts).toHaveLength(1);
  });

  it("does not connect again when the connection breaks while closing", () => {
    const { socket, events } = create();
    const connection = accept();
    socket.close();
    end(connection, LOST);
    expect(events).toEqual(["open", "error", "close"]);
    expect(timers.pendingMs).toEqual([]);
  });

  it.each(["a first attempt", "a wait between attempts", "a question for the url"])(
    "ends during %s: a close event with 1006 later, no error",
    async (state) => {
      const { socket, events } = create(
        {},
        state === "a question for the url" ? () => Promise.resolve("ws://host/") : "ws://host/",
      );
      if (state === "a wait between attempts") fail();
      events.length = 0;
      socket.send("never");
      socket.close(3000);
      socket.close();
      expect(socket.readyState).toBe(2);
      expect(events).toEqual([]);
      const attempts = network.attempts.length;
      await timers.advance(0);
      network.runTasks();
      await timers.advance(60_000);
      expect(events).toEqual(["close"]);
      expect(socket.readyState).toBe(3);
      expect(network.attempts).toHaveLength(attempts);
    },
  );

  it("gives up an attempt that is under way", () => {
    const { socket } = create();
    socket.close();
    expect(network.attempts[0].isAborted).toBe(true);
  });

  it.each(["open", "message", "error", "reconnecting", "reconnected"])(
    "ends with one close event when a listener of %s calls it",
    async (type) => {
      const { socket, events } = create();
      socket.addEventListener(type, () => socket.close());
      let connection = accept();
      connection.text("a");
      end(connection, socket.readyState === 2 ? clean(1005) : LOST);
      await timers.advance(2000);
      if (socket.readyState === 0) {
        connection = accept();
        end(connection, clean(1005));
      }
      await timers.advance(60_000);
      expect(events.filter((event) => event === "close")).toEqual(["close"]);
      expect(socket.readyState).toBe(3);
      expect(timers.pendingMs).toEqual([]);
    },
  );

  it("sends what waits before it closes, when called by the open event", () => {
    const { socket } = create();
    socket.send("a");
    socket.onopen = () => socket.close();
    const connection = accept();
    expect(connection.sent).toEqual(["a"]);
    expect(connection.log).toEqual([["close", undefined, ""]]);
  });

  it("checks its arguments in every state", () => {
    const { socket } = create();
    expect(() => socket.close(1001)).toThrow(domException("InvalidAccessError"));
    expect(() => socket.close(1000, "x".repeat(124))).toThrow(domException("SyntaxError"));
    expect(socket.readyState).toBe(0);
  });
});
