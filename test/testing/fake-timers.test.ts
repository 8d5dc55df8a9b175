import { mock } from "node:test";
import { MemoryNetwork } from "tideway/testing";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

/** Fakes time and advances it with turns of the event loop in between. */
interface FakeTime {
  readonly start: () => void;
  readonly advance: (ms: number) => Promise<void>;
  readonly stop: () => void;
}

/** The real `setImmediate`, saved before vitest replaces it. */
const nextTurn = setImmediate;

const VITEST: FakeTime = {
  start: () => void vi.useFakeTimers(),
  advance: async (ms) => void (await vi.advanceTimersByTimeAsync(ms)),
  stop: () => void vi.useRealTimers(),
};

const STEP_MS = 100;

const NODE_TEST: FakeTime = {
  start: () => mock.timers.enable(),
  async advance(ms) {
    for (let passedMs = 0; passedMs < ms; passedMs += STEP_MS) {
      mock.timers.tick(STEP_MS);
      // Ten turns are enough for a ping to get its pong.
      for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => nextTurn(resolve));
    }
  },
  stop: () => mock.timers.reset(),
};

describe.each([
  ["vitest's default useFakeTimers", VITEST],
  ["node:test's mock.timers", NODE_TEST],
])("a network in memory under %s", (_, time) => {
  beforeEach(() => time.start());
  afterEach(() => time.stop());

  const HEARTBEAT = { idleMs: 30_000, timeoutMs: 20_000 };

  function echoServer(network: MemoryNetwork) {
    return network.serve({
      heartbeat: HEARTBEAT,
      routes: {
        "/page": () => new Response("page"),
        "ws:/echo": (socket) => void socket.listen((message) => void socket.send(message)),
      },
    });
  }

  /** Advances the time until `promise` settles. */
  async function passUntil<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false;
    void promise.finally(() => (isSettled = true));
    // With the real clock, a slow machine would look stalled, and the server would send another
    // ping.
    while (!isSettled) await time.advance(1000);
    return promise;
  }

  it("delivers messages while the fake clock is stopped", async () => {
    const network = new MemoryNetwork();
    await using server = echoServer(network);
    expect(await (await network.fetch("http://test/page")).text()).toBe("page");
    const socket = new network.WebSocket("ws://test/echo");
    await socket.onOpen.first;
    socket.send("hello");
    expect((await socket.onMessage.first).data).toBe("hello");
    const [{ done }] = server.sockets;
    socket.close(4000, "bye");
    expect(await socket.onClose.first).toMatchObject({ code: 4000, wasClean: true });
    expect(await done).toMatchObject({ code: 4000, wasClean: true });
  });

  it("keeps a connection while it answers pings and drops it afterwards, as time advances", async () => {
    const network = new MemoryNetwork();
    await using server = echoServer(network);
    const socket = new network.WebSocket("ws://test/echo");
    await socket.onOpen.first;
    await time.advance(120_000);
    expect(socket.readyState).toBe(socket.OPEN);
    const [{ done }] = server.sockets;
    network.links.at(-1)?.stall();
    expect(await passUntil(done)).toMatchObject({ code: 1006, wasClean: false });
  });

  it("delivers bytes after their latency", async () => {
    const network = new MemoryNetwork({ latencyMs: 1000 });
    await using _server = echoServer(network);
    const socket = new network.WebSocket("ws://test/echo");
    await time.advance(500);
    expect(socket.readyState).toBe(socket.CONNECTING);
    await time.advance(2000);
    expect(socket.readyState).toBe(socket.OPEN);
    network.links.at(-1)?.reset();
    expect((await socket.onClose.first).code).toBe(1006);
  });

  it("reconnects after the delay", async () => {
    const network = new MemoryNetwork();
    await using _server = echoServer(network);
    const socket = new network.ReconnectingWebSocket("ws://test/echo");
    await socket.onOpen.first;
    const opened = vi.fn<() => void>();
    socket.onOpen.listen(opened);
    network.links.at(-1)?.reset();
    await socket.onReconnecting.first;
    expect(opened).not.toHaveBeenCalled();
    await time.advance(5000);
    expect(opened).toHaveBeenCalledOnce();
    socket.close();
  });

  it("times out a socket that was opened before, once time is real again", async () => {
    const network = new MemoryNetwork();
    await using server = network.serve({
      closeTimeoutMs: 150,
      routes: { "ws:/": (socket) => void socket.listen(() => {}) },
    });
    const socket = new network.WebSocket("ws://test/");
    await socket.onOpen.first;
    await time.advance(60_000);
    time.stop();
    network.links.at(-1)?.stall();
    const [accepted] = server.sockets;
    accepted.close();
    expect(await accepted.done).toMatchObject({ wasClean: false });
  });
});
