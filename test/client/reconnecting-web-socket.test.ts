import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { defineCloseEvent } from "../../src/client/close-event.ts";
import { heartbeat } from "../../src/client/heartbeat.ts";
import type {
  ReconnectEvent,
  ReconnectingWebSocketConstructor,
  ReconnectingWebSocketInstance,
  ReconnectingWebSocketOptions,
} from "../../src/client/reconnecting-interface.ts";
import type { ReconnectDecision } from "../../src/client/reconnect-policy.ts";
import { ReconnectingSocket } from "../../src/client/reconnecting-web-socket.ts";
import { HandshakeError } from "../../src/errors/index.ts";
import { FakeConnection, FakeNetwork, eventsOf } from "./fake-connector.ts";

const LOST = { code: 1006, reason: "", wasClean: false };
const clean = (code: number, reason = ""): typeof LOST => ({ code, reason, wasClean: true });
/** Runs all pending promise jobs. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const domException = (name: string): unknown => expect.objectContaining({ name });

/** A clock that only the test advances. */
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

  /** The delays of the active timers. */
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

afterEach(() => vi.restoreAllMocks());
beforeEach(() => {
  network = new FakeNetwork();
  timers = new FakeTimers();
});

function defineClass(): ReconnectingWebSocketConstructor {
  const environment = { WebSocket: network.WebSocket, CloseEvent: defineCloseEvent() };
  class ReconnectingWebSocket extends ReconnectingSocket {
    constructor(url: string, protocols?: ReconnectingWebSocketOptions) {
      super(environment, url, protocols);
    }
  }
  return ReconnectingWebSocket as unknown as ReconnectingWebSocketConstructor;
}

function create(
  options: ReconnectingWebSocketOptions = {},
  url: string | (() => string | Promise<string>) = "ws://host/",
): { socket: ReconnectingWebSocketInstance; events: string[] } {
  const Class = defineClass();
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

describe("a ReconnectingWebSocket", () => {
  it("fires open for each connection, and reconnected for every further one", async () => {
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

  it("does not report a first connection after failures as a reconnection", async () => {
    const { events } = create();
    fail();
    await timers.advance(2000);
    accept();
    expect(events).toEqual(["error", "reconnecting", "open"]);
  });

  it("stops and reports the reason when decide throws", async () => {
    const failure = new Error("a bug in decide");
    const { socket, events } = create({
      decide: () => {
        throw failure;
      },
    });
    const connection = accept();
    const errors: unknown[] = [];
    socket.addEventListener("error", ({ error }) => {
      errors.push(error);
      socket.send("a socket that has ended takes what is sent");
    });
    end(connection, { code: 4000, reason: "", wasClean: true });
    expect(errors).toEqual([failure]);
    expect(events).toEqual(["open", "error", "close"]);
    expect(socket.readyState).toBe(3);
  });

  it("ignores a URL that arrives after another attempt has started", async () => {
    const answers: Array<(url: string) => void> = [];
    const { socket } = create({}, () => new Promise<string>((resolve) => answers.push(resolve)));
    answers[0]("ws://host/");
    await timers.advance(0);
    accept();
    socket.reconnect();
    await timers.advance(0);
    socket.reconnect();
    await timers.advance(0);
    answers[2]("ws://host/");
    await timers.advance(0);
    const connection = accept();
    // The connection counts as stable, so the count of attempts restarts.
    await timers.advance(60_000);
    const count = network.attempts.length;
    end(connection);
    answers[1]("ws://host/");
    await timers.advance(0);
    expect(network.attempts).toHaveLength(count);
    socket.close();
  });

  it("makes one attempt when a listener of error calls reconnect", async () => {
    let count = 0;
    const { socket } = create({}, async () => {
      if (count++ === 0) throw new Error("no URL yet");
      return "ws://host/";
    });
    socket.addEventListener("error", () => socket.reconnect(), { once: true });
    await timers.advance(0);
    expect(timers.pendingMs).toEqual([0]);
    await timers.advance(0);
    // The timeout of the attempt.
    expect(timers.pendingMs).toEqual([10_000]);
    expect(count).toBe(2);
    socket.close();
  });

  it("does not fire reconnected if a listener of open has closed the connection", async () => {
    const { socket, events } = create();
    end(accept());
    socket.addEventListener("open", () => socket.close(), { once: true });
    await timers.advance(2000);
    accept();
    expect(events).not.toContain("reconnected");
  });

  it("schedules one attempt for any number of error and close events", async () => {
    const { events } = create();
    fail();
    fail();
    fail();
    expect(timers.pendingMs).toEqual([2000]);
    await timers.advance(2000);
    expect(network.attempts).toHaveLength(2);
    expect(events).toEqual(["error", "reconnecting"]);
  });

  it("doubles the delay from 2 s to 30 s, with full jitter", async () => {
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

  it("restarts at 2 s only after a connection that stayed open for 5 s", async () => {
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

  it("uses the delays of the options", async () => {
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

  it("waits for at least half of the maximum delay after 1013", () => {
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

  it("calls the option decide instead, if given", () => {
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

  it("reports the reason and the attempt in the events reconnecting and reconnected", async () => {
    const { socket } = create();
    const observed: ReconnectEvent[] = [];
    socket.onreconnecting = (event) => observed.push(event);
    socket.onreconnected = (event) => observed.push(event);
    end(accept(), clean(1012, "restart"));
    await timers.advance(2000);
    accept();
    expect(observed.map(({ type }) => type)).toEqual(["reconnecting", "reconnected"]);
    for (const event of observed) {
      expect(event).toMatchObject({ attempt: 1, delayMs: 2000, code: 1012, reason: "restart" });
    }
  });

  it("reports the reason of an error", () => {
    const { socket } = create();
    let error: unknown;
    socket.onerror = (event) => (error = event.error);
    fail();
    expect(error).toMatchObject({ code: "REFUSED" });
  });
});

describe("a connection attempt with handshakeTimeoutMs", () => {
  it("fails after that time, and another attempt follows", async () => {
    const { socket, events } = create();
    let error: unknown;
    socket.onerror = (event) => (error = event.error);
    await timers.advance(9999);
    expect(events).toEqual([]);
    await timers.advance(1);
    expect(error).toMatchObject({ code: "HANDSHAKE_TIMEOUT" });
    expect(events).toEqual(["error", "reconnecting"]);
    expect(network.attempts[0].isAborted).toBe(true);
    await timers.advance(2000);
    accept();
    await timers.advance(10_000);
    expect(socket.readyState).toBe(1);
    expect(events).toEqual(["error", "reconnecting", "open"]);
  });

  it.each(["url", "protocols", "webSocketOptions"])(
    "fails when the %s function does not settle, and its late result is ignored",
    async (name) => {
      const answers: Array<(value: never) => void> = [];
      const ask = (): Promise<never> => new Promise((resolve) => answers.push(resolve));
      const { socket, events } =
        name === "url"
          ? create({ handshakeTimeoutMs: 50 }, ask)
          : create({ handshakeTimeoutMs: 50, [name]: ask });
      await timers.advance(50);
      expect(events).toEqual(["error", "reconnecting"]);
      await timers.advance(2000);
      for (const answer of answers) answer((name === "url" ? "ws://host/" : undefined) as never);
      await turn();
      expect(network.attempts).toHaveLength(1);
      accept();
      expect(socket.readyState).toBe(1);
    },
  );

  it("starts the handshakeTimeoutMs of its WebSocket when the url function has settled", async () => {
    let answer!: (url: string) => void;
    const { events } = create(
      { handshakeTimeoutMs: 50, webSocketOptions: { handshakeTimeoutMs: 70 } },
      () => new Promise<string>((resolve) => (answer = resolve)),
    );
    await timers.advance(49);
    answer("ws://host/");
    await turn();
    expect(timers.pendingMs).toEqual([70]);
    await timers.advance(70);
    expect(events).toEqual(["error", "reconnecting"]);
  });

  it("may have more time to open than a timer can wait for", async () => {
    const { events } = create({ webSocketOptions: { handshakeTimeoutMs: 2 ** 31 } });
    expect(timers.pendingMs).toEqual([2 ** 31 - 1]);
    await timers.advance(60_000);
    accept();
    expect(events).toEqual(["open"]);
  });

  it("has no connection during its error event", async () => {
    const { socket } = create();
    const socketOfAttempt = { protocol: "chat", extensions: "x", bufferedAmount: 3 };
    Object.defineProperties(
      network.WebSocket.prototype,
      Object.fromEntries(
        Object.entries(socketOfAttempt).map(([name, value]) => [name, { get: () => value }]),
      ),
    );
    expect(socket).toMatchObject(socketOfAttempt);
    let during: unknown;
    socket.onerror = () => {
      const { protocol, extensions, bufferedAmount } = socket;
      during = { protocol, extensions, bufferedAmount };
    };
    await timers.advance(10_000);
    expect(during).toEqual({ protocol: "", extensions: "", bufferedAmount: 0 });
  });

  it("ignores a close event that its WebSocket fires during close()", async () => {
    const { events } = create();
    vi.spyOn(network.WebSocket.prototype, "close").mockImplementation(function (this: EventTarget) {
      this.dispatchEvent(Object.assign(new Event("close"), LOST));
    });
    await timers.advance(10_000);
    expect(events).toEqual(["error", "reconnecting"]);
  });

  it("can be replaced by a listener of error", async () => {
    const { socket, events } = create();
    socket.addEventListener("error", () => socket.reconnect(), { once: true });
    await timers.advance(10_000);
    expect(timers.pendingMs).toEqual([0]);
    expect(events).toEqual(["error", "reconnecting"]);
  });
});

describe("decide", () => {
  it.each([undefined, null, true, "again", -1, Number.NaN, 2 ** 31, Promise.resolve("retry")])(
    "stops the reconnecting with an error event when it returns %s",
    (decision) => {
      const { socket, events } = create({ decide: () => decision as never });
      let error: unknown;
      socket.onerror = (event) => (error = event.error);
      end(accept(), clean(4000));
      expect(error).toMatchObject({ code: "INVALID_DECISION" });
      expect(events).toEqual(["open", "error", "close"]);
    },
  );

  it("delays the next attempt by the returned milliseconds plus the usual delay", () => {
    create({ decide: () => 60_000 });
    end(accept(), clean(4000));
    expect(timers.pendingMs).toEqual([62_000]);
  });

  it.each(["stop", "retry", 60_000] as const)(
    "can call reconnect, which takes precedence over the decision %s",
    async (decision) => {
      const { socket, events } = create({
        decide: () => {
          socket.reconnect();
          return decision;
        },
      });
      end(accept(), clean(4000));
      expect(timers.pendingMs).toEqual([0]);
      await timers.advance(0);
      accept();
      expect(events).toEqual(["open", "reconnecting", "open", "reconnected"]);
      expect(network.attempts).toHaveLength(2);
    },
  );

  it.each(["stop", "retry", 60_000] as const)(
    "can call close, which takes precedence over the decision %s",
    async (decision) => {
      const { socket, events } = create({
        decide: () => {
          socket.close();
          return decision;
        },
      });
      end(accept(), clean(4000));
      expect(socket.readyState).toBe(2);
      await timers.advance(0);
      await timers.advance(60_000);
      expect(events).toEqual(["open", "close"]);
      expect(socket.readyState).toBe(3);
      expect(network.attempts).toHaveLength(1);
    },
  );

  it("that throws stops the attempts, unless a listener of error calls reconnect", async () => {
    const { socket, events } = create({
      decide: () => {
        throw new Error("a bug in decide");
      },
    });
    socket.addEventListener("error", () => socket.reconnect(), { once: true });
    end(accept(), clean(4000));
    await timers.advance(0);
    end(accept(), clean(4000));
    expect(events).toEqual([
      "open",
      "error",
      "reconnecting",
      "open",
      "reconnected",
      "error",
      "close",
    ]);
  });

  it("is not called when the signal in the options of each WebSocket has aborted", () => {
    const controller = new AbortController();
    const decide = vi.fn<() => ReconnectDecision>(() => "retry");
    const { events } = create({ decide, webSocketOptions: { signal: controller.signal } });
    controller.abort();
    network.runTasks();
    expect(events).toEqual(["error", "close"]);
    expect(decide).not.toHaveBeenCalled();
    expect(timers.pendingMs).toEqual([]);
  });

  it("is called after an abort when a function returns a signal for each attempt", async () => {
    const controllers: AbortController[] = [];
    const { events } = create({
      webSocketOptions: () => {
        controllers.push(new AbortController());
        return { signal: controllers.at(-1)!.signal };
      },
    });
    await turn();
    controllers[0].abort();
    network.runTasks();
    await timers.advance(2000);
    accept();
    expect(events).toEqual(["error", "reconnecting", "open"]);
  });

  it("never delays longer than the maximum of a timer", () => {
    create({ decide: () => 2 ** 31 - 1 });
    end(accept(), clean(4000));
    expect(timers.pendingMs).toEqual([2 ** 31 - 1]);
  });
});

describe("the option", () => {
  it.each([
    "initialDelayMs",
    "maxDelayMs",
    "stableAfterMs",
    "handshakeTimeoutMs",
    "maxQueuedBytes",
  ])("%s must be from 0 to the maximum of a timer; undefined means the default", (name) => {
    for (const value of [-1, Number.NaN, "x", {}, 2 ** 31, Infinity]) {
      expect(() => create({ [name]: value })).toThrow(
        expect.objectContaining({ name: "UsageError", code: "INVALID_OPTION" }),
      );
    }
    expect(network.attempts).toEqual([]);
    for (const value of [undefined, 0, 2 ** 31 - 1]) create({ [name]: value });
    expect(network.attempts).toHaveLength(3);
  });
});

describe("url and protocols", () => {
  it("throw at once if they are invalid, without a connection attempt", () => {
    expect(() => create({}, "nonsense")).toThrow(domException("SyntaxError"));
    expect(() => create({ protocols: ["a", "a"] })).toThrow(domException("SyntaxError"));
    expect(network.attempts).toEqual([]);
    expect(timers.pendingMs).toEqual([]);
  });

  it("may be functions, which are called before each attempt", async () => {
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
    ["returns an invalid URL", (): string => "nonsense"],
  ] as const)("cause a failed attempt when the function %s", async (_, url) => {
    vi.spyOn(console, "error").mockImplementation(() => {});
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

  it("cause one error in the console when a function returns an invalid URL", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const { events } = create({}, () => Promise.resolve("nonsense"));
    await turn();
    await timers.advance(2000);
    expect(events).toEqual(["error", "reconnecting", "error", "reconnecting"]);
    expect(log.mock.calls).toEqual([[domException("SyntaxError")]]);
    log.mockRestore();
  });

  it("may be the first two arguments, as for a WebSocket", async () => {
    const Class = defineClass();
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

  it("are combined with the options of each WebSocket", () => {
    create({ protocols: "a", webSocketOptions: { headers: { cookie: "x" }, maxMessageBytes: 9 } });
    expect(network.attempts[0].request).toMatchObject({
      protocols: ["a"],
      options: { headers: { cookie: "x" }, maxMessageBytes: 9 },
    });
  });
});

describe("a ReconnectingWebSocket, like a WebSocket,", () => {
  it("delivers messages with their origin, and data of the type that binaryType names", async () => {
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
    const observed: string[] = [];
    socket.on.reconnecting.add(() => observed.push("on"));
    socket.onReconnecting.listen(() => observed.push("stream"));
    end(connection);
    expect(observed).toEqual(["on", "stream"]);
    expect(events).toEqual(["open", "error", "reconnecting"]);
  });

  it("has the protocol and extensions of the current connection", () => {
    const { socket } = create({ protocols: ["a"] });
    const connection = network.accept(new FakeConnection("a", "x"));
    expect([socket.protocol, socket.extensions]).toEqual(["a", "x"]);
    end(connection);
    expect([socket.protocol, socket.extensions]).toEqual(["", ""]);
  });
});

describe("send", () => {
  it("queues messages without a connection and sends them in order after open", async () => {
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

  it("queues a copy of the bytes", async () => {
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

  it("throws when the queue would exceed its limit, and keeps the queued messages", () => {
    const { socket } = create({ maxQueuedBytes: 68 });
    socket.send("\u{20AC}");
    expect(() => socket.send("ab")).toThrow(
      expect.objectContaining({
        name: "TidewayError",
        code: "QUEUE_FULL",
        message: "69 bytes exceed maxQueuedBytes 68",
      }),
    );
    socket.send("c");
    expect(socket.bufferedAmount).toBe(4);
    expect(accept().sent).toEqual(["\u{20AC}", "c"]);
  });

  it("queues up to 1 MiB", () => {
    const { socket } = create();
    socket.send("x".repeat(1_048_576));
    expect(() => socket.send("")).toThrow(expect.objectContaining({ code: "QUEUE_FULL" }));
  });

  it("queues a limited number of empty messages", () => {
    const { socket } = create({ maxQueuedBytes: 640 });
    for (let count = 0; count <= 10; count++) socket.send("");
    expect(() => socket.send("")).toThrow(expect.objectContaining({ code: "QUEUE_FULL" }));
    expect(socket.bufferedAmount).toBe(0);
    expect(accept().sent).toHaveLength(11);
  });

  it("queues messages for the next connection while the peer closes", async () => {
    const { socket } = create();
    const connection = accept();
    connection.closing();
    socket.send("a");
    end(connection, clean(1001));
    await timers.advance(2000);
    expect(connection.sent).toEqual([]);
    expect(accept().sent).toEqual(["a"]);
  });

  it("does not send again what an earlier connection has sent", async () => {
    const { socket } = create();
    const connection = accept();
    socket.send("a");
    end(connection);
    await timers.advance(2000);
    expect(accept().sent).toEqual([]);
  });

  it("discards messages after close, and counts their bytes", () => {
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
  it("closes the open connection and reports its close code", async () => {
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

  it("does not reconnect when the connection is lost while closing", () => {
    const { socket, events } = create();
    const connection = accept();
    socket.close();
    end(connection, LOST);
    expect(events).toEqual(["open", "error", "close"]);
    expect(timers.pendingMs).toEqual([]);
  });

  it.each(["a first attempt", "a delay between attempts", "a pending url function"])(
    "ends %s with a close event with 1006 in a later task, without an error",
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

  it("cancels a pending attempt", () => {
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

  it("sends queued messages before it closes when called during open", () => {
    const { socket } = create();
    socket.send("a");
    socket.onopen = () => socket.close();
    const connection = accept();
    expect(connection.sent).toEqual(["a"]);
    expect(connection.log).toEqual([["close", undefined, ""]]);
  });

  it("checks its arguments in every state", async () => {
    const { socket } = create();
    const check = (): void => {
      const state = socket.readyState;
      expect(() => socket.close(1001)).toThrow(domException("InvalidAccessError"));
      expect(() => socket.close(1000, "x".repeat(124))).toThrow(domException("SyntaxError"));
      expect(socket.readyState).toBe(state);
    };
    check();
    fail();
    check();
    await timers.advance(2000);
    const connection = accept();
    check();
    socket.close();
    check();
    end(connection, clean(1005));
    check();
  });
});

describe("reconnect", () => {
  it("closes an open connection and opens another at once", async () => {
    const { socket, events } = create();
    const connection = accept();
    socket.reconnect();
    expect(socket.readyState).toBe(0);
    expect(connection.log).toEqual([["close", undefined, ""]]);
    end(connection, clean(1005));
    await timers.advance(0);
    accept();
    expect(events).toEqual(["open", "reconnecting", "open", "reconnected"]);
    expect(network.attempts).toHaveLength(2);
  });

  it("ends a delay between attempts", async () => {
    const { socket } = create();
    fail();
    expect(timers.pendingMs).toEqual([2000]);
    socket.reconnect();
    expect(timers.pendingMs).toEqual([0]);
    await timers.advance(0);
    expect(network.attempts).toHaveLength(2);
  });

  it("cancels a pending attempt or url function", async () => {
    const { socket } = create();
    socket.reconnect();
    expect(network.attempts[0].isAborted).toBe(true);
    await timers.advance(0);
    expect(network.attempts).toHaveLength(2);

    const answers: ((url: string) => void)[] = [];
    const asking = create({}, () => new Promise<string>((resolve) => answers.push(resolve)));
    await turn();
    asking.socket.reconnect();
    await timers.advance(0);
    answers[0]("ws://host/stale");
    answers[1]("ws://host/fresh");
    await turn();
    expect(network.attempts.slice(2).map(({ request }) => request.url.pathname)).toEqual([
      "/fresh",
    ]);
  });

  it("does nothing once close has been called", async () => {
    const { socket, events } = create();
    const connection = accept();
    socket.close();
    socket.reconnect();
    end(connection, clean(1005));
    socket.reconnect();
    await timers.advance(60_000);
    expect(events).toEqual(["open", "close"]);
    expect(network.attempts).toHaveLength(1);
  });

  it("starts one attempt at once when a listener of reconnecting calls it", async () => {
    const { socket, events } = create();
    socket.addEventListener("reconnecting", () => socket.reconnect());
    end(accept());
    expect(timers.pendingMs).toEqual([0]);
    await timers.advance(0);
    accept();
    expect(network.attempts).toHaveLength(2);
    // One event for the delay of two seconds, and one for the attempt that replaces it.
    expect(events).toEqual([
      "open",
      "error",
      "reconnecting",
      "reconnecting",
      "open",
      "reconnected",
    ]);
  });

  it("has no effect while an attempt is about to start", async () => {
    const { socket, events } = create();
    fail();
    socket.reconnect();
    socket.reconnect();
    await timers.advance(0);
    expect(events).toEqual(["error", "reconnecting", "reconnecting"]);
    expect(network.attempts).toHaveLength(2);
  });

  it("can be called by a listener of any event", async () => {
    for (const type of ["open", "error", "reconnected"]) {
      const { socket } = create();
      socket.addEventListener(type, () => socket.reconnect(), { once: true });
      end(accept());
      await timers.advance(2000);
      end(accept());
      await timers.advance(4000);
      accept();
      expect(socket.readyState).toBe(1);
      socket.close();
    }
  });
});

describe("the options", () => {
  it("can be replaced as a whole between attempts", async () => {
    const { socket } = create({ protocols: "a" });
    fail();
    expect(socket.options).toMatchObject({ initialDelayMs: 2000, maxDelayMs: 30_000 });
    socket.options = { ...socket.options, protocols: ["b"], maxDelayMs: 100 };
    await timers.advance(2000);
    expect(network.attempts.at(-1)!.request.protocols).toEqual(["b"]);
    fail();
    expect(timers.pendingMs).toEqual([100]);
    socket.options = { timers, random: () => 1 };
    await timers.advance(100);
    expect(network.attempts.at(-1)!.request.protocols).toEqual([]);
  });

  it("stay unchanged when the new value is invalid", () => {
    const { socket } = create({ maxDelayMs: 7 });
    const { options } = socket;
    expect(() => (socket.options = { maxDelayMs: -1 })).toThrow(
      expect.objectContaining({
        code: "INVALID_OPTION",
        message: "maxDelayMs is -1; pass 0 to 2147483647",
      }),
    );
    expect(socket.options).toBe(options);
  });

  it("cancel a delay by the timers that started it, even if the timers were replaced", async () => {
    const { socket } = create();
    fail();
    const others = new FakeTimers();
    socket.options = { timers: others, random: () => 1 };
    expect(timers.pendingMs).toEqual([2000]);
    socket.reconnect();
    expect([timers.pendingMs, others.pendingMs]).toEqual([[], [0]]);
    socket.close();
  });

  it("of each WebSocket may come from a function, which is called before each attempt", async () => {
    let token = 0;
    create({
      protocols: "a",
      webSocketOptions: () => Promise.resolve({ headers: { authorization: `${++token}` } }),
    });
    await turn();
    fail();
    await timers.advance(2000);
    expect(
      network.attempts.map(({ request }) => [request.protocols, request.options.headers]),
    ).toEqual([
      [["a"], { authorization: "1" }],
      [["a"], { authorization: "2" }],
    ]);
  });
});

describe("a ReconnectingWebSocket in a page", () => {
  /** The events of a page, and its state. */
  let page: EventTarget & { isOnline: boolean; isHidden: boolean };

  beforeEach(() => {
    page = Object.assign(new EventTarget(), { isOnline: true, isHidden: false });
    vi.stubGlobal("addEventListener", page.addEventListener.bind(page));
    vi.stubGlobal("removeEventListener", page.removeEventListener.bind(page));
    vi.stubGlobal("navigator", {
      get onLine() {
        return page.isOnline;
      },
    });
    vi.stubGlobal("document", {
      get hidden() {
        return page.isHidden;
      },
    });
  });
  afterEach(() => vi.unstubAllGlobals());

  it("waits for the maximum delay while the browser is offline", async () => {
    create({ random: () => 0 });
    page.isOnline = false;
    fail();
    expect(timers.pendingMs).toEqual([30_000]);
    await timers.advance(30_000);
    expect(network.attempts).toHaveLength(2);
    fail();
    page.isOnline = true;
    page.dispatchEvent(new Event("online"));
    await timers.advance(0);
    expect(network.attempts).toHaveLength(3);
  });

  it("connects at once on reconnect() while the browser is offline", async () => {
    const { socket } = create();
    page.isOnline = false;
    fail();
    socket.reconnect();
    await timers.advance(0);
    accept();
    expect(socket.readyState).toBe(1);
  });

  it("reconnects at once when the network returns or the page becomes visible", async () => {
    create();
    for (const [index, type] of ["online", "visibilitychange"].entries()) {
      fail();
      page.dispatchEvent(new Event(type));
      await timers.advance(0);
      expect(network.attempts).toHaveLength(index + 2);
    }
  });

  it("replaces a pending attempt when its page wakes if the attempt is older than two seconds", async () => {
    const now = vi.spyOn(Date, "now").mockReturnValue(1_000_000);
    create();
    now.mockReturnValue(1_002_000);
    page.dispatchEvent(new Event("online"));
    await timers.advance(0);
    expect(network.attempts.map(({ isAborted }) => isAborted)).toEqual([false]);
    // The machine slept, and no timer has fired.
    now.mockReturnValue(9_000_000);
    page.dispatchEvent(new Event("visibilitychange"));
    await timers.advance(0);
    expect(network.attempts.map(({ isAborted }) => isAborted)).toEqual([true, false]);
    page.dispatchEvent(new Event("online"));
    await timers.advance(0);
    expect(network.attempts).toHaveLength(2);
    now.mockRestore();
  });

  it("replaces a call of the url function when its page wakes if the call is older than two seconds", async () => {
    const now = vi.spyOn(Date, "now").mockReturnValue(1_000_000);
    const ask = vi.fn<() => Promise<string>>(() => new Promise(() => {}));
    const { socket } = create({}, ask);
    page.dispatchEvent(new Event("online"));
    await timers.advance(0);
    expect(ask).toHaveBeenCalledTimes(1);
    now.mockReturnValue(1_002_001);
    page.dispatchEvent(new Event("online"));
    await timers.advance(0);
    expect(ask).toHaveBeenCalledTimes(2);
    socket.close();
    now.mockRestore();
  });

  it("waits for at least half of the maximum delay while the page is hidden", async () => {
    create({ random: () => 0 });
    page.isHidden = true;
    page.dispatchEvent(new Event("visibilitychange"));
    fail();
    expect(timers.pendingMs).toEqual([15_000]);
    page.dispatchEvent(new Event("visibilitychange"));
    expect(timers.pendingMs).toEqual([15_000]);
    page.isHidden = false;
    page.dispatchEvent(new Event("visibilitychange"));
    await timers.advance(0);
    expect(network.attempts).toHaveLength(2);
  });

  it("connects at once when a hidden page goes online, and checks an open connection", async () => {
    const { socket } = create({
      random: () => 0,
      heartbeat: heartbeat({ message: () => "ping" }),
    });
    page.isHidden = true;
    page.isOnline = false;
    fail();
    page.isOnline = true;
    page.dispatchEvent(new Event("online"));
    await timers.advance(0);
    expect(network.attempts).toHaveLength(2);
    const connection = accept();
    page.dispatchEvent(new Event("visibilitychange"));
    expect(connection.sent).toEqual([]);
    page.dispatchEvent(new Event("online"));
    expect(connection.sent).toEqual(["ping"]);
    socket.close();
  });

  it.each([
    ["retry-later", 30_000],
    [60_000, 62_000],
  ] as const)(
    "wakes without an attempt before the delay of the decision %s ends",
    async (decision, delayMs) => {
      const { socket } = create({ decide: () => decision });
      end(accept(), clean(1013));
      for (const type of ["online", "visibilitychange"]) page.dispatchEvent(new Event(type));
      expect(timers.pendingMs).toEqual([delayMs]);
      await timers.advance(delayMs);
      expect(network.attempts).toHaveLength(2);
      socket.close();
    },
  );

  it("checks an open connection by a heartbeat when the page becomes visible", () => {
    const { socket, events } = create({ heartbeat: heartbeat({ message: () => "ping" }) });
    const connection = accept();
    page.dispatchEvent(new Event("visibilitychange"));
    expect(connection.sent).toEqual(["ping"]);
    expect(socket.readyState).toBe(1);
    expect(events).toEqual(["open"]);
  });

  it("removes its listeners from the page once it is closed", async () => {
    const removed: string[] = [];
    vi.stubGlobal("removeEventListener", (type: string, listener: () => void) => {
      removed.push(type);
      page.removeEventListener(type, listener);
    });
    const { socket } = create();
    socket.close();
    await timers.advance(0);
    expect(removed).toEqual(["online", "visibilitychange"]);
  });
});

describe("a heartbeat", () => {
  it("that closes on the first open event drops the queued messages", () => {
    const { socket, events } = create({
      heartbeat: (watched) => {
        watched.addEventListener("open", () => socket.close());
        return () => {};
      },
    });
    socket.send("waits for the open event");
    const connection = accept();
    expect(connection.sent).toEqual([]);
    expect(socket.bufferedAmount).toBe(24);
    expect(events).toEqual([]);
  });

  it.each(["reconnect", "close"] as const)("can call %s when it is created", async (method) => {
    const socketOf: { socket?: ReturnType<typeof create>["socket"] } = {};
    const { socket, events } = create({
      heartbeat: () => {
        const { socket: made } = socketOf;
        delete socketOf.socket;
        made?.[method]();
        return () => {};
      },
    });
    socketOf.socket = socket;
    fail();
    await timers.advance(2000);
    await timers.advance(0);
    if (method === "reconnect") accept();
    expect(events.at(-1)).toBe(method === "reconnect" ? "open" : "close");
  });

  it.each([
    [1000, "message is undefined; pass a function that returns the message to send"],
    [{ message: "ping" }, "message is string; pass a function that returns the message to send"],
    [
      { message: () => "ping", intervalMs: 0 },
      "intervalMs is 0; pass a number above 0 and below 2147483648",
    ],
  ])("throws for %j", (options, why) => {
    expect(() => heartbeat(options as never)).toThrow(
      expect.objectContaining({ code: "INVALID_OPTION", message: `heartbeat: ${why}` }),
    );
  });

  const times = { intervalMs: 100, timeoutMs: 10 };

  it("is sent when nothing arrives during its interval, and any message answers it", async () => {
    const { socket } = create({ heartbeat: heartbeat({ message: () => "ping", ...times }) });
    const received: unknown[] = [];
    socket.onmessage = ({ data }) => received.push(data);
    const connection = accept();
    await timers.advance(99);
    connection.text("busy");
    await timers.advance(99);
    expect(connection.sent).toEqual([]);
    await timers.advance(1);
    expect(connection.sent).toEqual(["ping"]);
    connection.text("anything");
    await timers.advance(10);
    expect(socket.readyState).toBe(1);
    expect(received).toEqual(["busy", "anything"]);
  });

  it("drops the connection when nothing arrives, and reconnects", async () => {
    const { socket, events } = create({
      heartbeat: heartbeat({ message: () => "ping", ...times }),
    });
    let error: unknown;
    socket.onerror = (event) => (error = event.error);
    const connection = accept();
    await timers.advance(100);
    await timers.advance(10);
    expect(error).toMatchObject({ code: "HEARTBEAT_TIMEOUT" });
    expect(connection.log).toEqual([["close", undefined, ""]]);
    expect(socket.readyState).toBe(0);
    await timers.advance(2000);
    accept();
    end(connection);
    expect(events).toEqual(["open", "error", "reconnecting", "open", "reconnected"]);
    expect(socket.readyState).toBe(1);
  });

  it("is sent once more when its timeout is noticed late, because a reply may be waiting", async () => {
    let nowMs = 1e12;
    vi.spyOn(Date, "now").mockImplementation(() => nowMs);
    const advance = async (ms: number, lateMs = 0): Promise<void> => {
      nowMs += ms + lateMs;
      await timers.advance(ms);
    };
    const { socket } = create({ heartbeat: heartbeat({ message: () => "ping", ...times }) });
    const connection = accept();
    await advance(100);
    await advance(10, 1000);
    expect(connection.sent).toEqual(["ping", "ping"]);
    connection.text("pong");
    await advance(100);
    await advance(10, 999);
    expect(socket.readyState).toBe(0);
  });

  it("drops the connection if the repeated message gets no reply, even if that is noticed late", async () => {
    let nowMs = 1e12;
    vi.spyOn(Date, "now").mockImplementation(() => nowMs);
    const { socket } = create({ heartbeat: heartbeat({ message: () => "ping", ...times }) });
    const connection = accept();
    await timers.advance(100);
    for (const state of [1, 0]) {
      nowMs += 5000;
      await timers.advance(10);
      expect(socket.readyState).toBe(state);
    }
    expect(connection.sent).toEqual(["ping", "ping"]);
  });

  it("hides its replies when it recognises them, and other messages do not answer it", async () => {
    const { socket } = create({
      heartbeat: heartbeat({
        message: () => "ping",
        isReply: (data) => data === "pong",
        ...times,
      }),
    });
    const received: unknown[] = [];
    socket.onmessage = ({ data }) => received.push(data);
    const connection = accept();
    await timers.advance(100);
    connection.text("pong");
    connection.text("news");
    expect(received).toEqual(["news"]);
    await timers.advance(100);
    connection.text("more news");
    await timers.advance(10);
    expect(socket.readyState).toBe(0);
  });

  it("leaves no timer behind when the socket is closed", async () => {
    const { socket } = create({ heartbeat: heartbeat({ message: () => "ping", ...times }) });
    const connection = accept();
    socket.close();
    end(connection, clean(1005));
    await turn();
    expect(timers.pendingMs).toEqual([]);
  });

  it("that throws is an error of the constructor or a failed attempt, and leaves no connection", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const failure = new Error("a bug in a heartbeat");
    const failing = (): never => {
      throw failure;
    };
    expect(() => create({ heartbeat: failing })).toThrow(failure);
    expect(network.attempts.map(({ isAborted }) => isAborted)).toEqual([true]);
    const { socket, events } = create({ heartbeat: failing }, () => "ws://host/");
    let error: unknown;
    socket.onerror = (event) => (error = event.error);
    await turn();
    expect(error).toBe(failure);
    expect(network.attempts.map(({ isAborted }) => isAborted)).toEqual([true, true]);
    network.runTasks();
    expect(events).toEqual(["error", "reconnecting"]);
    socket.close();
  });

  it("with a message function that throws reports the error, and drops the connection when nothing arrives", async () => {
    const failure = new Error("a bug in a message");
    const { socket, events } = create({
      heartbeat: heartbeat({
        message: () => {
          throw failure;
        },
        ...times,
      }),
    });
    const errors: unknown[] = [];
    socket.onerror = ({ error }) => errors.push(error);
    accept();
    await timers.advance(100);
    expect(errors).toEqual([failure]);
    expect(socket.readyState).toBe(1);
    await timers.advance(10);
    expect(errors[1]).toMatchObject({ code: "HEARTBEAT_TIMEOUT" });
    expect(events).toEqual(["open", "error", "error", "reconnecting"]);
    socket.close();
  });

  it("waits for 30 s, and 20 s for the reply, by default; its durations must be valid", async () => {
    create({ heartbeat: heartbeat({ message: () => "ping" }) });
    const connection = accept();
    await timers.advance(5000);
    expect(timers.pendingMs).toEqual([25_000]);
    await timers.advance(25_000);
    expect(connection.sent).toEqual(["ping"]);
    expect(timers.pendingMs).toEqual([20_000]);
    for (const wrong of [{ intervalMs: 0 }, { timeoutMs: 2 ** 31 }, { timeoutMs: Number.NaN }]) {
      expect(() => heartbeat({ message: () => "", ...wrong })).toThrow(
        expect.objectContaining({ code: "INVALID_OPTION" }),
      );
    }
  });
});
