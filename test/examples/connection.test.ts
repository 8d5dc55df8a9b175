import { describe, expect, it } from "vitest";
import type { ReconnectingWebSocket } from "tideway";
import { Connection, type ConnectionState } from "../../examples/chat/src/page/connection.ts";

/** The part of a ReconnectingWebSocket that the page uses. */
class FakeSocket extends EventTarget {
  readonly OPEN = 1;
  readyState = 0;
  bufferedAmount = 0;
  readonly sent: string[] = [];

  send(text: string): void {
    this.sent.push(text);
  }

  reconnect(): void {
    this.lose(1006, 0);
  }

  open(): void {
    this.readyState = 1;
    this.dispatchEvent(new Event("open"));
  }

  lose(code: number, delayMs: number): void {
    this.readyState = 0;
    this.dispatchEvent(Object.assign(new Event("reconnecting"), { code, delayMs }));
  }

  stop(code: number, reason: string): void {
    this.readyState = 3;
    this.dispatchEvent(Object.assign(new Event("close"), { code, reason }));
  }
}

function setUp() {
  const sockets: FakeSocket[] = [];
  const states: ConnectionState[] = [];
  const messages: unknown[] = [];
  const clock = { now: 1_000 };
  const connection = new Connection(
    () => {
      const socket = new FakeSocket();
      sockets.push(socket);
      return socket as unknown as ReconnectingWebSocket;
    },
    { onState: (state) => states.push(state), onMessage: (data) => messages.push(data) },
    () => clock.now,
  );
  return { connection, sockets, states, messages, clock };
}

describe("Connection", () => {
  it("is connecting until it is online", () => {
    const { connection, sockets, states } = setUp();
    expect(connection.state).toEqual({ kind: "connecting" });
    expect(connection.isOpen).toBe(false);
    sockets[0].open();
    expect(states).toEqual([{ kind: "online" }]);
    expect(connection.isOpen).toBe(true);
  });

  it("passes messages in both directions", () => {
    const { connection, sockets, messages } = setUp();
    sockets[0].open();
    connection.send("out");
    sockets[0].dispatchEvent(new MessageEvent("message", { data: "in" }));
    expect(sockets[0].sent).toEqual(["out"]);
    expect(messages).toEqual(["in"]);
  });

  it("reports the time of the next attempt and the duration without a connection", () => {
    const { connection, sockets, states, clock } = setUp();
    sockets[0].open();
    sockets[0].lose(1012, 700);
    expect(connection.isOpen).toBe(false);
    clock.now = 1_700;
    sockets[0].lose(1006, 2_000);
    clock.now = 4_000;
    sockets[0].open();
    expect(states).toEqual([
      { kind: "online" },
      { kind: "waiting", code: 1012, retryAt: 1_700 },
      { kind: "waiting", code: 1012, retryAt: 3_700 },
      { kind: "online", awayMs: 3_000 },
    ]);
  });

  it("reports the code of the server's last close while attempts fail, and forgets it when open", () => {
    const { sockets, states } = setUp();
    const code = () => {
      const state = states.at(-1);
      return state?.kind === "waiting" ? state.code : undefined;
    };
    sockets[0].lose(1006, 500);
    expect(code()).toBe(1006);
    sockets[0].open();
    sockets[0].lose(1012, 500);
    sockets[0].lose(1006, 500);
    expect(code()).toBe(1012);
    sockets[0].lose(1013, 500);
    sockets[0].lose(1006, 500);
    expect(code()).toBe(1013);
    sockets[0].open();
    sockets[0].lose(1006, 500);
    expect(code()).toBe(1006);
  });

  it("reports that it has stopped, and why", () => {
    const { sockets, states } = setUp();
    sockets[0].open();
    sockets[0].stop(1008, "enough");
    expect(states.at(-1)).toEqual({ kind: "stopped", code: 1008, reason: "enough" });
  });

  it("does not count as away before it is online for the first time", () => {
    const { sockets, states, clock } = setUp();
    sockets[0].lose(1006, 1_000);
    clock.now = 3_000;
    sockets[0].open();
    expect(states.at(-1)).toEqual({ kind: "online" });
  });

  it("reconnects at once on request", () => {
    const { connection, sockets, states, clock } = setUp();
    sockets[0].open();
    sockets[0].lose(1006, 15_000);
    clock.now = 2_000;
    connection.tryNow();
    expect(states.at(-1)).toEqual({ kind: "connecting" });
    expect(connection.isOpen).toBe(false);
    sockets[0].open();
    expect(states.at(-1)).toEqual({ kind: "online", awayMs: 1_000 });
    expect(sockets).toHaveLength(1);
  });

  it("restarts on request after it has stopped", () => {
    const { connection, sockets, states, clock } = setUp();
    sockets[0].open();
    sockets[0].stop(1008, "enough");
    clock.now = 2_000;
    connection.tryNow();
    expect(sockets).toHaveLength(2);
    expect(states.at(-1)).toEqual({ kind: "connecting" });
    sockets[1].open();
    expect(states.at(-1)).toEqual({ kind: "online", awayMs: 1_000 });
  });

  it("counts the time away from the moment when a dead connection is dropped", () => {
    const { connection, sockets, states, clock } = setUp();
    sockets[0].open();
    clock.now = 50_000;
    connection.tryNow();
    clock.now = 50_400;
    sockets[0].open();
    expect(states.at(-1)).toEqual({ kind: "online", awayMs: 400 });
  });
});
