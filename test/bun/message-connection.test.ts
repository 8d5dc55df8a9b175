import { describe, expect, it } from "vitest";
import {
  MessageConnection,
  type MessageConnectionOptions,
} from "../../src/bun/message-connection.ts";
import type { CloseInfo } from "../../src/connection/connection.ts";
import { FlushQueue } from "../../src/connection/flush-queue.ts";
import { TimerWheel } from "../../src/connection/timer-wheel.ts";
import type { ProtocolError } from "../../src/errors/index.ts";
import { ByteBudget } from "../../src/protocol/byte-budget.ts";
import { prepare } from "../../src/server/socket/message-data.ts";
import { ManualClock } from "../connection/support.ts";
import { FakeBunSocket } from "./fake-bun-socket.ts";

/** An open connection with the events that its owner got. */
function open(options: Partial<MessageConnectionOptions> = {}) {
  const clock = new ManualClock();
  const ending: Array<() => void> = [];
  const environment = {
    wheel: new TimerWheel(clock),
    flushQueue: new FlushQueue((callback) => ending.push(callback)),
    defer: (callback: () => void) => void ending.push(callback),
  };
  const events: unknown[][] = [];
  let onMessage = (_message: string | Uint8Array): void => {};
  const settings = { protocol: "chat", maxHeldBytes: 1000, ...options };
  const connection = new MessageConnection(environment, settings, (opened) =>
    opened.start({
      onText: (text) => {
        events.push(["text", text]);
        onMessage(text);
      },
      onBinary: (bytes) => {
        events.push(["binary", bytes]);
        onMessage(bytes);
      },
      onClosing: (error?: ProtocolError) => events.push(["closing", error?.code]),
      onClose: (info: CloseInfo) => events.push(["close", info]),
      onDrain: () => events.push(["drain"]),
    }),
  );
  const socket = new FakeBunSocket(connection);
  connection.onOpen(socket);
  return {
    clock,
    connection,
    events,
    socket,
    calls: socket.calls,
    /** Answers messages with `answer`. */
    answer: (answer: typeof onMessage): void => {
      onMessage = answer;
    },
    endTurn: (): void => {
      for (const callback of ending.splice(0)) callback();
    },
  };
}

describe("messages", () => {
  it("arrive as text or bytes, which belong to the application", () => {
    const { connection, events, socket } = open();
    connection.onMessage("a");
    connection.onMessage(Uint8Array.of(1));
    expect(events).toEqual([
      ["text", "a"],
      ["binary", Uint8Array.of(1)],
    ]);
    expect(socket.binaryType).toBe("uint8array");
  });

  it("are sent at once while a message is received, because Bun then writes them together", () => {
    const { answer, calls, connection } = open();
    answer(() => connection.sendText("b"));
    connection.onMessage("a");
    expect(calls).toEqual([["send", "b"]]);
  });

  it("are otherwise sent together at the end of the turn, in order, as copies", () => {
    const { answer, calls, connection, endTurn } = open();
    const bytes = Uint8Array.of(1);
    connection.sendText("a");
    connection.sendBinary(bytes);
    bytes[0] = 2;
    connection.sendPrepared(prepare("p"));
    answer(() => connection.sendText("later"));
    connection.onMessage("x");
    expect(calls).toEqual([]);
    // Four frames with a header of two bytes, and eight bytes of payload.
    expect(connection.bufferedAmount).toBe(16);
    endTurn();
    expect(calls).toEqual([
      ["send corked", "a"],
      ["send corked", Uint8Array.of(1)],
      ["send corked", "p"],
      ["send corked", "later"],
    ]);
    expect(connection.bufferedAmount).toBe(0);
  });

  it("precede a ping and the end", () => {
    const { calls, connection } = open();
    connection.sendText("a");
    connection.ping(Uint8Array.of(7));
    connection.sendText("b");
    connection.close(4000, "over");
    expect(calls.map(([name]) => name)).toEqual(["send", "ping", "send", "close"]);
  });

  it("are ignored after the end", () => {
    const { calls, connection, events } = open();
    connection.close();
    connection.sendText("a");
    connection.sendBinary(Uint8Array.of(1));
    connection.sendPrepared(prepare("p"));
    connection.ping();
    connection.onMessage("late");
    connection.onPong(new Uint8Array(0));
    connection.onDrain();
    connection.close();
    connection.terminate();
    expect(calls).toEqual([["close", 1000, ""]]);
    expect(events).toEqual([]);
  });
});

describe("backpressure", () => {
  it("counts what the kernel has not accepted, until it has", () => {
    const { answer, connection, events, socket } = open();
    socket.waitingBytes = 500;
    expect(connection.bufferedAmount).toBe(0);
    answer(() => connection.sendText("b"));
    connection.onMessage("a");
    expect(connection.bufferedAmount).toBe(500);
    expect(connection.unwrittenBytes).toBe(500);
    socket.waitingBytes = 0;
    connection.onDrain();
    expect(connection.bufferedAmount).toBe(0);
    expect(events.at(-1)).toEqual(["drain"]);
  });

  it("is noticed at the end of a turn", () => {
    const { connection, endTurn, socket } = open();
    socket.waitingBytes = 500;
    connection.sendText("a");
    endTurn();
    expect(connection.bufferedAmount).toBe(500);
  });

  it("counts an empty message, so that its sender sees that it was not refused", () => {
    const { connection, endTurn, socket } = open();
    socket.waitingBytes = 500;
    connection.sendText("a");
    endTurn();
    const before = connection.bufferedAmount;
    connection.sendText("");
    expect(connection.bufferedAmount).toBeGreaterThan(before);
  });

  it("drops a peer that reads nothing for 50 seconds, even if it sends", () => {
    const { calls, clock, connection, endTurn, events, socket } = open();
    socket.waitingBytes = 500;
    connection.sendText("a");
    endTurn();
    for (let second = 0; second < 55; second++) {
      connection.onMessage("x");
      clock.advance(1000);
    }
    endTurn();
    expect(calls.at(-1)).toEqual(["terminate"]);
    expect(events.at(-1)).toMatchObject([
      "close",
      { code: 1006, error: { code: "HEARTBEAT_TIMEOUT" } },
    ]);
  });

  it("holds messages during a pause, and delivers them in order", () => {
    const { answer, connection, events } = open();
    connection.pause();
    for (const text of ["a", "b", "c"]) connection.onMessage(text);
    expect(events).toEqual([]);
    answer((text) => text === "b" && connection.pause());
    connection.resume();
    expect(events).toEqual([
      ["text", "a"],
      ["text", "b"],
    ]);
    connection.onMessage("d");
    connection.resume();
    connection.resume();
    expect(events.slice(2)).toEqual([
      ["text", "c"],
      ["text", "d"],
    ]);
  });

  it("fails a connection with 1013 that sends more than maxHeldBytes during a pause", () => {
    const { calls, connection, endTurn, events } = open({ maxHeldBytes: 2 * 164 });
    connection.pause();
    for (let count = 0; count < 3; count++) connection.onMessage("x".repeat(100));
    const reason = "more than 328 bytes of messages wait; read faster, or raise maxQueuedBytes";
    expect(calls).toEqual([["close", 1013, reason]]);
    expect(events).toEqual([["closing", "UNREAD_TOO_BIG"]]);
    endTurn();
    expect(events.at(-1)).toMatchObject(["close", { code: 1006, wasClean: false }]);
    // The messages have been dropped.
    connection.resume();
    expect(events).toHaveLength(2);
  });

  it("fails it too if all connections together hold more than maxUnfinishedBytes", () => {
    const unfinishedBudget = new ByteBudget(200);
    const first = open({ unfinishedBudget });
    const second = open({ unfinishedBudget });
    for (const { connection } of [first, second]) {
      connection.pause();
      connection.onMessage("x".repeat(100));
    }
    expect(first.calls).toEqual([]);
    expect(second.calls).toMatchObject([["close", 1013, expect.any(String)]]);
    first.connection.resume();
    expect(unfinishedBudget.usedBytes).toBe(0);
  });
});

describe("limits", () => {
  it.each([
    ["bytes", new Uint8Array(10), new Uint8Array(11)],
    ["ASCII", "x".repeat(10), "x".repeat(11)],
    ["other text", "é".repeat(5), "é".repeat(6)],
  ])("a message above maxMessageBytes fails the connection with 1009: %s", (_, fits, exceeds) => {
    const { calls, connection, events } = open({ maxMessageBytes: 10 });
    connection.onMessage(fits);
    expect(events).toHaveLength(1);
    connection.onMessage(exceeds);
    const bytes = Buffer.byteLength(exceeds);
    expect(calls).toEqual([
      ["close", 1009, `message of ${bytes} bytes exceeds maxMessageBytes 10`],
    ]);
    expect(events.slice(1)).toEqual([["closing", "MESSAGE_TOO_BIG"]]);
  });

  it("too many messages, pings and pongs in a second fail the connection with 1008", () => {
    const { calls, clock, connection, events } = open({ maxMessagesPerSecond: 3 });
    for (let second = 0; second < 2; second++) {
      connection.onMessage("a");
      connection.onPing(new Uint8Array(0));
      connection.onPong(new Uint8Array(0));
      expect(calls).toEqual([]);
      if (second === 0) clock.advance(1000);
    }
    connection.onMessage("b");
    const reason = "the peer sent more messages in a second than maxMessagesPerSecond 3";
    expect(calls).toEqual([["close", 1008, reason]]);
    expect(events.at(-1)).toEqual(["closing", "RATE_EXCEEDED"]);
  });
});

describe("pings", () => {
  it("are sent after 30 seconds of silence, and the peer is dropped 20 seconds later", () => {
    const { calls, clock } = open();
    clock.advance(30_400);
    expect(calls).toEqual([["ping", Uint8Array.of(1)]]);
    clock.advance(20_500);
    expect(calls.at(-1)).toEqual(["terminate"]);
  });

  it("are not sent with heartbeat: false", () => {
    const { calls, clock } = open({ heartbeat: false });
    clock.advance(100_000);
    expect(calls).toEqual([]);
  });

  it("measure the latency", () => {
    const { clock, connection } = open();
    connection.ping(Uint8Array.of(1));
    clock.advance(25);
    expect(connection.latencyMs).toBeUndefined();
    connection.onPong(Uint8Array.of(1));
    expect(connection.latencyMs).toBe(25);
  });
});

describe("the end", () => {
  it("has the code and the reason of the peer's Close, after the messages that were held", () => {
    const { connection, events } = open();
    connection.pause();
    connection.onMessage("a");
    connection.onClose(4000, "over");
    expect(events).toEqual([
      ["text", "a"],
      ["closing", undefined],
      ["close", { code: 4000, reason: "over", wasClean: true }],
    ]);
    expect(connection.readyState).toBe(3);
  });

  it.each([
    ["Received too big message", "MESSAGE_TOO_BIG", 1009],
    ["Received invalid UTF-8", "INVALID_UTF8", 1007],
    ["Received invalid opcode", "RESERVED_OPCODE", 1002],
    ["Received something new", "PROTOCOL_VIOLATION", 1002],
  ])("has the violation that Bun found: %s", (reason, code, closeCode) => {
    const { connection, events } = open();
    connection.onClose(1006, reason);
    expect(events).toMatchObject([
      ["closing", code],
      ["close", { code: 1006, reason: "", wasClean: false, error: { code, closeCode } }],
    ]);
  });

  it("has no error if the network failed", () => {
    const { connection, events } = open();
    connection.onClose(1006, "");
    expect(events.at(-1)).toEqual(["close", { code: 1006, reason: "", wasClean: false }]);
  });

  it("follows close, with its code, because Bun does not tell how the peer answers", () => {
    const { connection, endTurn, events } = open();
    connection.close(4000, "over");
    expect(events).toEqual([]);
    expect(connection.readyState).toBe(2);
    endTurn();
    expect(events).toEqual([["close", { code: 4000, reason: "over", wasClean: true }]]);
  });

  it("follows closeTimeoutMs after close if Bun does not report it, and only once", () => {
    const { clock, connection, endTurn, events, socket } = open({ closeTimeoutMs: 1000 });
    const info = { code: 4000, reason: "over", wasClean: true };
    socket.close = () => {};
    connection.close(4000, "over");
    clock.advance(900);
    expect(events).toEqual([]);
    clock.advance(200);
    expect(events).toEqual([["close", info]]);
    expect(socket.calls).toEqual([["terminate"]]);
    endTurn();
    expect(events).toEqual([["close", info]]);
    expect(connection.readyState).toBe(3);
  });

  it("waits until the kernel has accepted the output, so that a stop of the server loses none", () => {
    const { connection, endTurn, events, socket } = open();
    socket.waitingBytes = 500;
    connection.sendText("a");
    connection.close(4000, "over");
    endTurn();
    socket.waitingBytes = 100;
    connection.onDrain();
    endTurn();
    expect(events).toEqual([]);
    expect(connection.readyState).toBe(2);
    socket.waitingBytes = 0;
    connection.onDrain();
    expect(socket.calls).toEqual([["send", "a"]]);
    endTurn();
    expect(socket.calls.at(-1)).toEqual(["close", 4000, "over"]);
    endTurn();
    expect(events).toEqual([["close", { code: 4000, reason: "over", wasClean: true }]]);
  });

  const cut = { code: 1006, reason: "", wasClean: false };

  it.each<[string, (opened: ReturnType<typeof open>) => void, unknown[]]>([
    ["closeTimeoutMs", ({ clock }) => clock.advance(1100), [["terminate"]]],
    ["terminate", ({ connection }) => connection.terminate(), [["terminate"]]],
    ["the network", ({ connection }) => connection.onClose(1006, ""), []],
  ])("does not wait longer than %s, and then has the code 1006", (_what, end, calls) => {
    const opened = open({ closeTimeoutMs: 1000 });
    const { connection, endTurn, events, socket } = opened;
    socket.waitingBytes = 500;
    connection.sendText("a");
    connection.close(4000, "over");
    end(opened);
    endTurn();
    connection.onDrain();
    expect(socket.calls.slice(1)).toEqual(calls);
    expect(events).toEqual([["close", cut]]);
  });

  it("needs no timer if Bun reports it", () => {
    const { clock, connection, endTurn, events, socket } = open();
    connection.close();
    endTurn();
    clock.advance(60_000);
    expect(events).toHaveLength(1);
    expect(socket.calls).toEqual([["close", 1000, ""]]);
  });

  it("follows terminate, with 1006", () => {
    const { connection, endTurn, events } = open();
    connection.terminate();
    endTurn();
    expect(events).toEqual([["close", { code: 1006, reason: "", wasClean: false }]]);
  });
});
