import { describe, expect, it } from "vitest";
import type { ConnectionEnvironment } from "../../src/connection/byte-connection-options.ts";
import { SlabPool } from "../../src/connection/slab-pool.ts";
import { TransportError } from "../../src/errors/index.ts";
import { PreparedMessage } from "../../src/protocol/prepared-message.ts";
import { SharedOutput } from "../../src/protocol/shared-output.ts";
import { asPeerOf, frame, fromHex, hexOf, ROLES, toHex } from "../protocol/support.ts";
import { rig } from "./support.ts";
import { collectGarbage } from "../support/collect-garbage.ts";

describe.each(ROLES)("writes of a %s", (role) => {
  it("combine all frames that one received chunk causes", () => {
    const { connection, handler, receive, written } = rig(role);
    handler.onText = (text) => connection.sendText(text);
    receive("810161" + "890170" + "810162");
    expect(written()).toEqual(["810161" + "8a0170" + "810162"]);
  });

  it("combine everything that is sent in one turn at its end", () => {
    const { connection, endTurn, written } = rig(role);
    connection.sendText("a");
    connection.sendBinary(fromHex("01"));
    connection.ping();
    expect(written()).toEqual([]);
    endTurn();
    expect(written()).toEqual(["810161" + "820101" + "8900"]);
    endTurn();
    expect(written()).toEqual([]);
  });

  it("leave at once if the process exits while a message is processed", () => {
    const { connection, handler, receive, exitProcess, written } = rig(role);
    handler.onText = (text) => {
      connection.sendText(text);
      if (text === "a") exitProcess();
    };
    receive("810161" + "810162");
    expect(written()).toEqual(["810161", "810162"]);
  });

  it("do not mix the frames of connections that write in the same turn", () => {
    const rigs = [rig(role), rig(role), rig(role)];
    rigs.forEach(({ connection }, index) => connection.sendText(`${index}`.repeat(5000)));
    rigs.forEach(({ connection }, index) => connection.sendText(`${index}`));
    rigs.forEach(({ endTurn, written }, index) => {
      endTurn();
      const text = `${index}`;
      expect(written()).toEqual([frame("81", hexOf(text.repeat(5000))) + frame("81", hexOf(text))]);
    });
  });

  it("wait while the transport is blocked, and leave together when it drains", () => {
    const { connection, endTurn, handler, transport, written } = rig(role);
    transport.takesAll = false;
    connection.sendText("a");
    endTurn();
    connection.sendText("b");
    endTurn();
    connection.sendText("c");
    endTurn();
    expect(written()).toEqual(["810161"]);
    expect(handler.notes).toEqual([]);
    const frameBytes = role === "client" ? 7 : 3;
    expect(connection.bufferedAmount).toBe(3 * frameBytes);
    transport.drain();
    expect(written()).toEqual(["810162" + "810163"]);
    expect(handler.notes).toEqual(["drain"]);
    expect(connection.bufferedAmount).toBe(0);
  });

  it("that never left still count as buffered after the end of the transport", () => {
    const { connection, endTurn, transport } = rig(role);
    transport.takesAll = false;
    connection.sendText("a");
    endTurn();
    connection.sendText("b");
    transport.handler!.onClosed(new Error("read ECONNRESET"));
    expect(connection.bufferedAmount).toBe(role === "client" ? 14 : 6);
  });

  it("split a large message into pieces and count its unsent bytes", () => {
    const { connection, endTurn, handler, transport } = rig(role);
    const pieces: number[] = [];
    let isBlocked = true;
    transport.write = (bytes) => {
      pieces.push(bytes.length);
      return !isBlocked;
    };
    connection.sendBinary(new Uint8Array(150_000));
    const total = connection.bufferedAmount;
    endTurn();
    expect([pieces, connection.bufferedAmount]).toEqual([[65_536], total]);
    transport.handler!.onDrain();
    expect([pieces, connection.bufferedAmount]).toEqual([[65_536, 65_536], total - 65_536]);
    connection.sendText("behind it");
    // The handler decides by `bufferedAmount` whether it waits for more.
    expect(handler.notes).toEqual(["drain"]);
    isBlocked = false;
    transport.handler!.onDrain();
    const rest = total - 131_072;
    const text = role === "client" ? 15 : 11;
    expect([pieces, connection.bufferedAmount]).toEqual([[65_536, 65_536, rest, text], 0]);
    expect(handler.notes).toEqual(["drain", "drain"]);
  });

  it("report each drain, even if the next write is blocked at once", () => {
    const { connection, endTurn, handler, transport } = rig(role);
    transport.takesAll = false;
    connection.sendBinary(new Uint8Array(100_000));
    endTurn();
    connection.sendText("a");
    while (connection.bufferedAmount > 50) transport.handler!.onDrain();
    // The text is still in the transport.
    expect(connection.bufferedAmount).toBeGreaterThan(0);
    expect(handler.notes).toEqual(["drain", "drain"]);
  });

  it("do not reuse a buffer that the transport still reads from", () => {
    const { connection, endTurn, transport } = rig(role);
    const taken: Uint8Array[] = [];
    transport.write = (bytes) => {
      taken.push(bytes);
      return false;
    };
    connection.sendText("first");
    endTurn();
    const before = Buffer.from(taken[0]).toString("hex");
    connection.sendText("second");
    endTurn();
    expect(Buffer.from(taken[0]).toString("hex")).toBe(before);
  });

  it("answer every ping while at most 64 KiB are buffered", () => {
    const { connection, endTurn, receive, transport, written } = rig(role);
    transport.takesAll = false;
    connection.sendBinary(new Uint8Array(65_000));
    endTurn();
    written();
    for (const ping of ["890161", "890162", "890163"]) receive(ping);
    expect(written()).toEqual([]);
    transport.drain();
    expect(written()).toEqual(["8a01618a01628a0163"]);
  });

  it("answer only the latest ping while more is buffered (RFC 6455 5.5.3)", () => {
    const { connection, endTurn, receive, transport, written } = rig(role);
    transport.takesAll = false;
    connection.sendBinary(new Uint8Array(40_000));
    endTurn();
    connection.sendBinary(new Uint8Array(40_000));
    endTurn();
    written();
    const waiting = connection.bufferedAmount;
    for (let count = 0; count < 100; count++) receive("890161");
    receive("890162");
    expect(connection.bufferedAmount).toBe(waiting);
    transport.drain();
    expect(written()).toEqual([expect.stringMatching(/00008a0162$/)]);
    receive("890163");
    expect(written()).toEqual(["8a0163"]);
  });

  it("do not fill memory with pongs for a peer that only pings and never reads", () => {
    const { connection, receive, transport } = rig(role);
    transport.takesAll = false;
    for (let count = 0; count < 2000; count++) receive("897d".padEnd(2 * 127, "ab"));
    expect(connection.bufferedAmount).toBeLessThan(66_000);
  });

  it("are ignored when closing or closed", () => {
    const { connection, endTurn, transport, written } = rig(role);
    connection.close(1000);
    endTurn();
    written();
    connection.sendText("a");
    connection.sendBinary(new Uint8Array(1));
    connection.ping();
    connection.close(1001);
    endTurn();
    transport.handler!.onClosed(undefined);
    connection.sendText("a");
    connection.terminate();
    endTurn();
    expect(written()).toEqual([]);
  });
});

describe("a message for many connections", () => {
  const environment = (): Pick<ConnectionEnvironment, "pool" | "sharedOutput"> => {
    const allocate = (byteLength: number): Uint8Array => new Uint8Array(byteLength);
    return { pool: new SlabPool(allocate), sharedOutput: new SharedOutput(allocate) };
  };

  it("leaves in one write of shared bytes if the connections send the same in a turn", () => {
    const shared = environment();
    const rigs = [1, 2, 3].map(() => rig("server", {}, shared));
    for (const text of ["one", "two"]) {
      const message = new PreparedMessage(text);
      for (const { connection } of rigs) connection.sendPrepared(message);
    }
    for (const { endTurn, written } of rigs) {
      endTurn();
      expect(written()).toEqual(["8103" + hexOf("one") + "8103" + hexOf("two")]);
    }
    expect(rigs[2].transport.latest).toBe(rigs[1].transport.latest);
  });

  it("does not change for a slow peer when other connections continue", () => {
    const shared = environment();
    const [maker, slow, other] = [1, 2, 3].map(() => rig("server", {}, shared));
    slow.transport.takesAll = false;
    // Its frame is as long as the smallest buffer of the pool but not part of the pool.
    const message = new PreparedMessage("x".repeat(4092));
    for (const { connection, endTurn } of [maker, slow, other]) {
      connection.sendPrepared(message);
      endTurn();
    }
    for (const { connection, endTurn } of [maker, other]) {
      connection.sendText("y".repeat(1000));
      endTurn();
    }
    expect(slow.written()).toEqual([toHex(slow.transport.latest!)]);
    expect(slow.connection.bufferedAmount).toBe(4096);
    slow.transport.drain();
    expect(slow.connection.bufferedAmount).toBe(0);
  });
});

describe.each(ROLES)("a connection as a %s, at its end,", (role) => {
  it("answers the peer's Close frame and reports the end when the transport has closed", () => {
    const { connection, handler, receive, transport, written } = rig(role);
    receive(frame("88", "0bb8" + hexOf("bye")));
    expect(written()).toEqual(["88020bb8"]);
    expect(connection.readyState).toBe(2);
    expect(handler.notes).toEqual(["closing"]);
    // RFC 6455 7.1.1: the server closes the transport first.
    expect(transport.isEnded).toBe(role === "server");
    transport.handler!.onEnd();
    expect(transport.isEnded).toBe(true);
    transport.handler!.onClosed(undefined);
    expect(connection.readyState).toBe(3);
    expect(handler.closeInfo).toEqual({ code: 3000, reason: "bye", wasClean: true });
    expect(handler.notes).toEqual(["closing", "close 3000"]);
  });

  it("waits for blocked output, including the Close frame, before it ends the transport", () => {
    const { connection, endTurn, receive, transport, written } = rig("server");
    transport.takesAll = false;
    connection.sendText("a");
    endTurn();
    receive("880203e8");
    expect(transport.isEnded).toBe(false);
    transport.drain();
    expect(written()).toEqual(["810161", "880203e8"]);
    expect(transport.isEnded).toBe(true);
  });

  it.each([
    ["the same turn", (close: () => void) => close()],
    ["a later turn", (_close: () => void) => {}],
  ])(
    "ends the transport after the last piece of output and a Close frame of %s",
    (_when, closeNow) => {
      const { connection, endTurn, receive, transport } = rig(role);
      let writtenBytes = 0;
      // It accepts each piece only on drain and does not show how much is left.
      transport.write = (bytes) => {
        writtenBytes += bytes.length;
        return false;
      };
      const endedAt: number[] = [];
      transport.end = () => void endedAt.push(writtenBytes);
      connection.sendBinary(new Uint8Array(150_000));
      closeNow(() => connection.close(1000));
      endTurn();
      connection.close(1000);
      receive("880203e8");
      transport.handler!.onEnd();
      for (let drains = 0; connection.bufferedAmount > 0 && drains < 5; drains++) {
        expect(endedAt).toEqual([]);
        transport.handler!.onDrain();
      }
      const frames = role === "client" ? 150_014 + 8 : 150_010 + 4;
      expect(endedAt).toEqual([frames]);
    },
  );

  it("sends the reason of a failure to the peer and ends the transport (RFC 6455 7.1.7)", () => {
    const { handler, receive, transport, written } = rig(role);
    receive("8300");
    expect(written()[0]).toMatch(/^88..03ea/);
    expect(transport.isEnded).toBe(true);
    transport.handler!.onClosed(undefined);
    expect(handler.closeInfo).toMatchObject({
      code: 1006,
      wasClean: false,
      error: { code: "RESERVED_OPCODE", closeCode: 1002 },
    });
  });

  it("reports 1006 and the reason when the transport fails", () => {
    const { handler, transport } = rig(role);
    const reset = Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" });
    transport.handler!.onClosed(reset);
    const { code, wasClean, error } = handler.closeInfo!;
    expect([code, wasClean]).toEqual([1006, false]);
    expect(error).toBeInstanceOf(TransportError);
    expect(error!.cause).toBe(reset);
  });

  it("reports a clean close even if the transport is reset after the closing handshake", () => {
    const { handler, receive, transport } = rig(role);
    receive("880203e8");
    transport.handler!.onClosed(new Error("read ECONNRESET"));
    expect(handler.closeInfo).toEqual({ code: 1000, reason: "", wasClean: true });
  });

  it("reports 1006 when the peer ends without a Close frame, and ends the transport", () => {
    const { handler, transport } = rig(role);
    transport.handler!.onEnd();
    expect(transport.isEnded).toBe(true);
    transport.handler!.onClosed(undefined);
    expect(handler.closeInfo).toEqual({ code: 1006, reason: "", wasClean: false });
  });

  it("drops the peer if it does not answer the Close frame within closeTimeoutMs", () => {
    const { clock, connection, handler, transport } = rig(role, { closeTimeoutMs: 5000 });
    connection.close(1000);
    clock.advance(4900);
    expect(transport.isDestroyed).toBe(false);
    clock.advance(400);
    expect(transport.isDestroyed).toBe(true);
    transport.handler!.onClosed(undefined);
    expect(handler.closeInfo).toMatchObject({ code: 1006, error: { code: "CLOSE_TIMEOUT" } });
  });

  it("drops the peer if it keeps the transport open after the closing handshake", () => {
    const { clock, handler, receive, transport } = rig(role);
    receive("880203e8");
    clock.advance(5300);
    expect(transport.isDestroyed).toBe(true);
    transport.handler!.onClosed(undefined);
    expect(handler.closeInfo).toEqual({ code: 1000, reason: "", wasClean: true });
  });

  it("leaves no timer behind", () => {
    const { clock, connection, transport } = rig(role);
    connection.close(1000);
    transport.handler!.onClosed(undefined);
    clock.advance(200);
    expect(clock.pendingCount).toBe(0);
  });

  it("ends at once on terminate, without a Close frame, and reports 1006", () => {
    const { connection, endTurn, handler, transport, written } = rig(role);
    connection.sendText("a");
    connection.terminate();
    expect(transport.isDestroyed).toBe(true);
    transport.handler!.onClosed(undefined);
    endTurn();
    expect(written()).toEqual([]);
    expect(handler.closeInfo).toEqual({ code: 1006, reason: "", wasClean: false });
  });

  it.each(["end", "reset", "stall"])(
    "survives a fault at every byte of its peer's frames: %s",
    (fault) => {
      const bytes = asPeerOf(role, fromHex(frame("01", hexOf("héllo")) + "8900" + "80016f"));
      for (let cut = 0; cut <= bytes.length; cut++) {
        const { clock, connection, handler, transport } = rig(role, {
          heartbeat: { idleMs: 1000, timeoutMs: 1000 },
        });
        if (cut > 0) transport.handler!.onBytes(bytes.slice(0, cut));
        if (fault === "end") transport.handler!.onEnd();
        if (fault === "stall") clock.advance(2500);
        if (fault === "stall") expect(transport.isDestroyed).toBe(true);
        transport.handler!.onClosed(fault === "reset" ? new Error("ECONNRESET") : undefined);
        expect(connection.readyState).toBe(3);
        expect(handler.notes.filter((note) => note.startsWith("close "))).toEqual(["close 1006"]);
        const texts = handler.notes.filter((note) => note.startsWith("text"));
        expect(texts).toEqual(cut === bytes.length ? ["text hélloo"] : []);
      }
    },
  );
});

describe.each(ROLES)("a paused %s", (role) => {
  it("stops reading, holds back messages and loses none", () => {
    const { connection, handler, receive, transport } = rig(role);
    handler.onText = (text) => {
      handler.notes.push(text);
      connection.pause();
    };
    receive("810161" + "810162" + "810163");
    expect(handler.notes).toEqual(["a"]);
    expect(transport.isReading).toBe(false);
    connection.resume();
    connection.resume();
    expect(handler.notes).toEqual(["a", "b", "c"]);
    connection.resume();
    expect(transport.isReading).toBe(true);
  });

  it("delivers complete messages received before a reset, then reports the reset", () => {
    const { connection, handler, receive, transport } = rig(role);
    connection.pause();
    receive("810161" + "810162");
    transport.handler!.onClosed(new Error("read ECONNRESET"));
    expect(handler.notes).toEqual(["text a", "text b", "closing", "close 1006"]);
  });

  it("reports the peer's end after the messages before it", () => {
    const { connection, handler, receive, transport } = rig(role);
    connection.pause();
    receive("810161");
    transport.handler!.onEnd();
    expect(handler.notes).toEqual([]);
    connection.resume();
    expect(handler.notes).toEqual(["text a", "closing"]);
    expect(transport.isEnded).toBe(true);
  });

  it("resumes reading when it closes, so that the closing handshake can finish", () => {
    const { connection, handler, receive, transport } = rig(role);
    connection.pause();
    receive("810161");
    connection.close(1000);
    expect(transport.isReading).toBe(true);
    receive("880203e8");
    transport.handler!.onClosed(undefined);
    expect(handler.notes).toEqual(["closing", "close 1000"]);
  });
});

describe.each(ROLES)("a closing %s", (role) => {
  it("does not stop reading when it is paused, so that the closing handshake can finish", () => {
    const { connection, handler, receive, transport } = rig(role);
    connection.close(1000);
    connection.pause();
    expect(transport.isReading).toBe(true);
    receive("880203e8");
    transport.handler!.onClosed(undefined);
    expect(handler.notes).toEqual(["closing", "close 1000"]);
  });
});

describe("bytes that arrive with the opening handshake", () => {
  it("are delivered after start has returned and before later bytes", () => {
    const head = asPeerOf("server", fromHex("810161"));
    const { endTurn, handler, transport } = rig("server", { head });
    expect(handler.notes).toEqual([]);
    expect(transport.isReading).toBe(false);
    endTurn();
    expect(handler.notes).toEqual(["text a"]);
    expect(transport.isReading).toBe(true);
  });

  it("are held back if the owner pauses at once", () => {
    const head = asPeerOf("server", fromHex("810161"));
    const { connection, endTurn, handler, transport } = rig("server", { head });
    connection.pause();
    endTurn();
    expect(handler.notes).toEqual([]);
    expect(transport.isReading).toBe(false);
    connection.resume();
    expect(handler.notes).toEqual(["text a"]);
  });
});

it("applies another maximum size of received messages from the next frame on", () => {
  const { connection, handler, receive } = rig("server");
  connection.maxMessageBytes = 2;
  expect(connection.maxMessageBytes).toBe(2);
  receive("820102");
  connection.maxMessageBytes = 3;
  receive("8203010203");
  receive("820401020304");
  expect(handler.notes).toEqual(["binary 02", "binary 010203", "closing"]);
});

it("an open connection does not keep the buffer of an empty head", async () => {
  let request: Uint8Array | undefined = new Uint8Array(400);
  const kept = new WeakRef(request.buffer);
  const { connection } = rig("server", { head: request.subarray(400) });
  request = undefined;
  // A WeakRef keeps its target until the current task has ended.
  await new Promise((resolve) => setImmediate(resolve));
  collectGarbage();
  expect(kept.deref()).toBeUndefined();
  connection.terminate();
});
