import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  type ConnectionEnd,
  type ConnectionOptions,
  keepConnected,
  type KeptConnection,
} from "../../../src/channels/client/connection.ts";
import type { ReconnectDecision } from "../../../src/client/reconnect-policy.ts";

const LOST: ConnectionEnd = { code: 1006, reason: "", wasClean: false };

/** A WebSocket that does what a test calls. */
class FakeSocket {
  static readonly all: FakeSocket[] = [];
  binaryType = "blob";
  bufferedAmount = 0;
  onopen?: () => void;
  onmessage?: (event: { data: string | ArrayBuffer }) => void;
  onclose?: (end: ConnectionEnd) => void;
  readonly url: unknown;
  readonly protocol: string;
  readonly sent: unknown[] = [];
  readonly closed: unknown[] = [];

  constructor(url: unknown, protocol: string) {
    this.url = url;
    this.protocol = protocol;
    FakeSocket.all.push(this);
  }

  send(message: unknown): void {
    this.sent.push(message);
  }

  close(code?: number): void {
    this.closed.push(code);
  }
}

/** A connection, and its calls of its owner and of its session. */
class Harness {
  readonly calls: unknown[][] = [];
  readonly session = {
    isOpen: false,
    ended: undefined as unknown,
    hello: (auth: unknown) => this.calls.push(["hello", auth]),
    receive: (message: unknown) => this.calls.push(["receive", message]),
    send: (frame: object) => this.calls.push(["send", frame]),
  };
  decision: ReconnectDecision = "retry";
  prepare: () => Promise<readonly unknown[]> = async () => ["ws://test/api", "token"];
  readonly connection: KeptConnection;

  constructor(options: Partial<ConnectionOptions> = {}) {
    this.connection = keepConnected(
      FakeSocket as never,
      this.session as never,
      {
        prepare: () => this.prepare(),
        lose: (end) => {
          this.session.isOpen = false;
          this.calls.push(["lose", end.error]);
        },
        end: (end) => this.calls.push(["end", end.code]),
      },
      {
        initialDelayMs: 100,
        maxDelayMs: 400,
        random: () => 1,
        timers: globalThis,
        decide: () => this.decision,
        ...options,
      },
    );
  }

  /** The latest socket. */
  get socket(): FakeSocket {
    return FakeSocket.all.at(-1)!;
  }

  /** Opens the latest socket, and lets the server accept the client. */
  open(): void {
    this.socket.onopen!();
    this.session.isOpen = true;
    this.socket.onmessage!({ data: "welcome" });
    this.calls.length = 0;
  }
}

const count = (): number => FakeSocket.all.length;

async function connected(options?: Partial<ConnectionOptions>): Promise<Harness> {
  const harness = new Harness(options);
  await vi.advanceTimersByTimeAsync(0);
  harness.open();
  return harness;
}

beforeEach(() => {
  vi.useFakeTimers();
  FakeSocket.all.length = 0;
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("a connection", () => {
  it("opens with what prepare returns, introduces the client, and passes messages on", async () => {
    const harness = new Harness();
    await vi.advanceTimersByTimeAsync(0);
    const { socket } = harness;
    expect(socket).toMatchObject({
      url: "ws://test/api",
      protocol: "tideway.channels.1",
      binaryType: "arraybuffer",
    });
    socket.onopen!();
    socket.onmessage!({ data: "text" });
    socket.onmessage!({ data: new Uint8Array([1, 2]).buffer });
    expect(harness.calls).toEqual([
      ["hello", "token"],
      ["receive", "text"],
      ["receive", new Uint8Array([1, 2])],
    ]);
    harness.connection.send("message");
    expect(socket.sent).toEqual(["message"]);
  });

  it.each(["initialDelayMs", "maxDelayMs", "stableAfterMs", "handshakeTimeoutMs"])(
    "throws a UsageError if %s cannot be a delay",
    (name) => {
      for (const value of [-1, Number.NaN, 2 ** 31, "x"]) {
        expect(() => new Harness({ [name]: value })).toThrow(
          expect.objectContaining({ code: "INVALID_OPTION" }),
        );
      }
      expect(count()).toBe(0);
    },
  );

  it("waits twice as long before each attempt, up to maxDelayMs", async () => {
    const harness = await connected();
    for (const [index, delayMs] of [100, 200, 400, 400].entries()) {
      harness.socket.onclose!(LOST);
      await vi.advanceTimersByTimeAsync(delayMs - 1);
      expect(count()).toBe(index + 1);
      await vi.advanceTimersByTimeAsync(1);
      expect(count()).toBe(index + 2);
    }
  });

  it("starts with the shortest delay again after a connection of stableAfterMs", async () => {
    const harness = await connected({ stableAfterMs: 1_000 });
    harness.socket.onclose!(LOST);
    await vi.advanceTimersByTimeAsync(100);
    harness.open();
    await vi.advanceTimersByTimeAsync(1_000);
    harness.socket.onclose!(LOST);
    await vi.advanceTimersByTimeAsync(100);
    expect(count()).toBe(3);
  });

  it("ends if decide returns stop, and makes no further attempt", async () => {
    const harness = await connected();
    harness.decision = "stop";
    harness.socket.onclose!({ code: 3003, reason: "forbidden", wasClean: true });
    expect(harness.calls).toEqual([["end", 3003]]);
    await vi.advanceTimersByTimeAsync(100_000);
    expect(count()).toBe(1);
  });

  it.each([
    ["retry-later", 400],
    [5_000, 5_100],
    [Number.NaN, 100],
    [2 ** 31, 2 ** 31 - 1],
    [2 ** 32, 2 ** 31 - 1],
    [Number.POSITIVE_INFINITY, 2 ** 31 - 1],
  ] as const)(
    "follows decide, up to the longest delay of a timer, if it returns %s",
    async (decision, delayMs) => {
      const harness = await connected();
      harness.decision = decision;
      harness.socket.onclose!(LOST);
      await vi.advanceTimersByTimeAsync(delayMs - 1);
      expect(count()).toBe(1);
      await vi.advanceTimersByTimeAsync(1);
      expect(count()).toBe(2);
    },
  );

  it("is lost if the session throws for a message, and tells the error", async () => {
    const harness = await connected();
    const error = new Error("not a frame");
    const { socket } = harness;
    harness.session.receive = () => {
      throw error;
    };
    socket.onmessage!({ data: "{" });
    expect(harness.calls).toEqual([["lose", error]]);
    expect(socket.closed).toHaveLength(1);
  });

  it("is lost if the session cannot introduce the client, and another attempt follows", async () => {
    const harness = new Harness();
    await vi.advanceTimersByTimeAsync(0);
    const error = new TypeError("a circular object");
    harness.session.hello = () => {
      throw error;
    };
    harness.socket.onopen!();
    expect(harness.calls).toEqual([["lose", error]]);
    await vi.advanceTimersByTimeAsync(400);
    expect(count()).toBe(2);
  });

  it("ignores the events of a socket that it has replaced", async () => {
    const harness = await connected();
    const first = harness.socket;
    first.onclose!(LOST);
    await vi.advanceTimersByTimeAsync(100);
    harness.calls.length = 0;
    first.onopen?.();
    first.onmessage?.({ data: "late" });
    first.onclose?.(LOST);
    expect(harness.calls).toEqual([]);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(count()).toBe(2);
  });

  it("closes with 1000, ends, and makes no further attempt", async () => {
    const harness = await connected();
    void harness.connection.close();
    expect(harness.socket.closed).toContain(1000);
    expect(harness.calls).toEqual([["end", 1006]]);
    harness.socket.onclose!({ code: 1000, reason: "", wasClean: true });
    await vi.advanceTimersByTimeAsync(100_000);
    expect(harness.calls).toHaveLength(1);
    expect(count()).toBe(1);
  });
});

describe("an attempt", () => {
  it("fails if prepare rejects, and another one follows", async () => {
    const harness = new Harness();
    const error = new Error("no token");
    harness.prepare = () => Promise.reject(error);
    harness.connection.reconnect();
    harness.calls.length = 0;
    await vi.advanceTimersByTimeAsync(0);
    expect(harness.calls).toEqual([["lose", error]]);
    harness.prepare = async () => ["ws://test/api", 1];
    await vi.advanceTimersByTimeAsync(400);
    expect(count()).toBeGreaterThan(0);
  });

  it.each([
    [
      "prepare does not settle",
      (harness: Harness) => void (harness.prepare = () => new Promise(() => {})),
    ],
    ["the socket does not open", () => {}],
  ])("fails after handshakeTimeoutMs if %s", async (_, stall) => {
    const harness = new Harness({ handshakeTimeoutMs: 1_000 });
    await vi.advanceTimersByTimeAsync(0);
    harness.socket.onclose!(LOST);
    stall(harness);
    await vi.advanceTimersByTimeAsync(100);
    harness.calls.length = 0;
    await vi.advanceTimersByTimeAsync(999);
    expect(harness.calls).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(harness.calls).toEqual([["lose", expect.objectContaining({ code: "TIMEOUT" })]]);
  });

  it("fails if no message follows its opening within handshakeTimeoutMs", async () => {
    const harness = new Harness({ handshakeTimeoutMs: 1_000 });
    await vi.advanceTimersByTimeAsync(0);
    harness.socket.onopen!();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(harness.calls.at(-1)).toEqual(["lose", expect.objectContaining({ code: "TIMEOUT" })]);
  });

  it("opens no socket if the connection was closed before prepare settled", async () => {
    const harness = new Harness();
    void harness.connection.close();
    await vi.advanceTimersByTimeAsync(100_000);
    expect(count()).toBe(0);
    expect(harness.calls).toEqual([["end", 1006]]);
  });

  it("starts at once by reconnect, unless the session has ended", async () => {
    const harness = await connected();
    harness.connection.reconnect();
    await vi.advanceTimersByTimeAsync(0);
    expect(count()).toBe(2);
    harness.session.ended = new Error("ended");
    harness.connection.reconnect();
    await vi.advanceTimersByTimeAsync(0);
    expect(count()).toBe(2);
  });
});

describe("a silent connection", () => {
  const PING = ["send", { type: "ping" }];

  it("gets a ping after 30 seconds, and is lost 20 seconds later", async () => {
    const harness = await connected();
    await vi.advanceTimersByTimeAsync(29_999);
    expect(harness.calls).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(harness.calls).toEqual([PING]);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(harness.calls[1]).toEqual(["lose", expect.objectContaining({ code: "TIMEOUT" })]);
  });

  it("stays while the socket sends what it holds, and is lost 20 seconds after it has stopped", async () => {
    const harness = await connected();
    const { socket } = harness;
    socket.bufferedAmount = 3_000;
    await vi.advanceTimersByTimeAsync(30_000);
    for (const left of [2_000, 1_000, 999]) {
      socket.bufferedAmount = left;
      await vi.advanceTimersByTimeAsync(20_000);
      expect(harness.calls).toEqual([PING]);
    }
    await vi.advanceTimersByTimeAsync(20_000);
    expect(harness.calls[1]).toEqual(["lose", expect.objectContaining({ code: "TIMEOUT" })]);
  });

  it("stays if any message answers the ping", async () => {
    const harness = await connected();
    await vi.advanceTimersByTimeAsync(49_999);
    harness.socket.onmessage!({ data: "pong" });
    await vi.advanceTimersByTimeAsync(29_999);
    expect(harness.calls).toEqual([PING, ["receive", "pong"]]);
  });
});

describe("in a page", () => {
  /** The listeners that the page has. */
  let listeners: Map<string, (event: object) => void>;
  const page = { hidden: false };

  beforeEach(() => {
    listeners = new Map();
    page.hidden = false;
    vi.stubGlobal("addEventListener", (type: string, listener: (event: object) => void) =>
      listeners.set(type, listener),
    );
    vi.stubGlobal("removeEventListener", (type: string) => listeners.delete(type));
    vi.stubGlobal("document", {
      get hidden() {
        return page.hidden;
      },
    });
  });

  const dispatch = (type: string): void => listeners.get(type)!({ type });

  it.each(["online", "visibilitychange"])("connects at once at the event %s", async (type) => {
    const harness = await connected({ initialDelayMs: 10_000, maxDelayMs: 10_000 });
    harness.socket.onclose!(LOST);
    await vi.advanceTimersByTimeAsync(2_001);
    expect(count()).toBe(1);
    dispatch(type);
    await vi.advanceTimersByTimeAsync(0);
    expect(count()).toBe(2);
    // This attempt is too young to be replaced.
    dispatch(type);
    await vi.advanceTimersByTimeAsync(0);
    expect(count()).toBe(2);
  });

  it("connects at once when it goes online, and checks an open connection, also while it is hidden", async () => {
    const harness = await connected({ initialDelayMs: 10_000, maxDelayMs: 10_000 });
    page.hidden = true;
    harness.socket.onclose!(LOST);
    await vi.advanceTimersByTimeAsync(2_001);
    dispatch("online");
    await vi.advanceTimersByTimeAsync(0);
    expect(count()).toBe(2);
    harness.open();
    dispatch("online");
    expect(harness.calls).toEqual([["send", { type: "ping" }]]);
  });

  it("closes normally when the browser hides the page, and connects again when it shows the page", async () => {
    const harness = await connected({ initialDelayMs: 10_000, maxDelayMs: 10_000 });
    const { socket } = harness;
    await vi.advanceTimersByTimeAsync(2_001);
    dispatch("pagehide");
    page.hidden = true;
    dispatch("visibilitychange");
    expect(socket.closed).toEqual([1000]);
    expect(harness.calls).toEqual([["lose", undefined]]);
    expect(count()).toBe(1);
    page.hidden = false;
    dispatch("visibilitychange");
    await vi.advanceTimersByTimeAsync(0);
    expect(count()).toBe(2);
  });

  it("checks an open connection when it wakes, and nothing while it is hidden", async () => {
    const harness = await connected();
    page.hidden = true;
    dispatch("visibilitychange");
    expect(harness.calls).toEqual([]);
    page.hidden = false;
    dispatch("visibilitychange");
    expect(harness.calls).toEqual([["send", { type: "ping" }]]);
  });

  it("waits for at least half of maxDelayMs while it is hidden", async () => {
    const harness = await connected();
    page.hidden = true;
    harness.socket.onclose!(LOST);
    await vi.advanceTimersByTimeAsync(399);
    expect(count()).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(count()).toBe(2);
  });

  it("removes its listeners when it ends", async () => {
    const harness = await connected();
    expect([...listeners.keys()]).toEqual(["online", "pagehide", "visibilitychange"]);
    void harness.connection.close();
    expect(listeners.size).toBe(0);
  });
});
