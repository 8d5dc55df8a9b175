import { beforeEach, describe, expect, it } from "vitest";
import type { ByteConnectionOptions } from "../../src/connection/byte-connection-options.ts";
import { ByteConnection } from "../../src/connection/byte-connection.ts";
import type { FrameConnection } from "../../src/connection/connection.ts";
import { createDebugLog } from "../../src/errors/debug-log.ts";
import { TransportError } from "../../src/errors/index.ts";
import { PreparedMessage } from "../../src/protocol/prepared-message.ts";
import { type Rig, rig as plainRig } from "./support.ts";

const lines: string[] = [];

beforeEach(() => {
  lines.length = 0;
});

/** A connection with the debug log on. */
function rig(options: Partial<ByteConnectionOptions> = {}): Rig {
  const log = createDebugLog((line) => void lines.push(line));
  return plainRig("server", { heartbeat: false, ...options }, { log });
}

it("with the debug log off, a connection is a plain ByteConnection", () => {
  expect(plainRig("server").connection).toBeInstanceOf(ByteConnection);
});

describe("with the debug log on, a connection", () => {
  it("sends and receives as without it, and counts messages and bytes", () => {
    const { connection, transport, receive, written, endTurn, handler } = rig({
      protocol: "json",
      extensions: "x",
    });
    connection.sendText("hi");
    connection.sendBinary(Uint8Array.of(1));
    connection.sendPrepared(new PreparedMessage("hi"));
    connection.ping();
    endTurn();
    receive("8102 6869");
    receive("8201 02");
    receive("8a00");
    receive("8900");
    expect(written().join("")).toBe("8102686982010181026869" + "8900" + "8a00");
    expect(handler.notes).toEqual(["text hi", "binary 02"]);
    expect(connection).toMatchObject({
      protocol: "json",
      extensions: "x",
      readyState: 1,
      bufferedAmount: 0,
      latencyMs: 0,
    });
    transport.handler!.onClosed(undefined);
    expect(lines).toEqual([
      "connection 1 open, this side is the server",
      "connection 1 closing: the peer sends no more messages",
      "connection 1 closed with 1006 without a closing handshake after 0 ms (received 2 messages in 27 bytes, sent 3 messages in 15 bytes)",
    ]);
  });

  it("sends and receives single frames as without it, and counts whole messages", () => {
    const { connection, transport, receive, written, endTurn, handler } = rig({
      decodesText: false,
    });
    const received: unknown[] = [];
    Object.assign(handler, {
      onTextBytes: (bytes: Uint8Array) => received.push(["text", bytes.length]),
      onFragments: (fragments: Uint8Array[]) => received.push(["fragments", fragments.length]),
    });
    const frames = connection as FrameConnection;
    const calls: unknown[] = [];
    frames.sendFragment(Uint8Array.of(0x68), "text", false);
    frames.sendFragment(Uint8Array.of(0x69), "text", true);
    frames.sendTextBytes(Uint8Array.of(0x61));
    frames.sendEncoded(Uint8Array.of(0x81, 0x01, 0x62));
    frames.pong(Uint8Array.of(0x63));
    frames.whenWritten((error) => calls.push(error));
    frames.flush();
    endTurn();
    expect(written().join("")).toBe("010168" + "800169" + "810161" + "810162" + "8a0163");
    expect(calls).toEqual([undefined]);
    receive("8102 6869");
    frames.keepsFragments = true;
    receive("0201 02");
    receive("8001 03");
    expect(received).toEqual([
      ["text", 2],
      ["fragments", 2],
    ]);
    frames.masksFrames = true;
    frames.sendText("hi");
    endTurn();
    expect(written().at(-1)).toMatch(/^8182/);
    transport.handler!.onClosed(undefined);
    expect(lines.at(-1)).toContain("received 2 messages in 22 bytes, sent 4 messages in");
  });

  it("writes which side closes, with code and reason", () => {
    const { connection, receive, transport } = rig();
    connection.close(1000, "a\nb");
    connection.close(1001);
    receive("8802 03e8");
    transport.handler!.onClosed(undefined);
    connection.terminate();
    expect(lines.slice(1)).toEqual([
      String.raw`connection 1 closing: this side sends Close 1000 "a\nb"`,
      "connection 1 closing: the peer sends no more messages",
      expect.stringMatching(/^connection 1 closed with 1000 after a closing handshake after 0 ms/),
    ]);
  });

  it("writes why this side fails the connection", () => {
    const { receive } = rig({ maxMessageBytes: 1 });
    receive("8102 6869");
    expect(lines[1]).toMatch(
      /^connection 1 closing: this side fails the connection with 1009, MESSAGE_TOO_BIG: /,
    );
  });

  it("writes why it was dropped", () => {
    const { connection, transport } = rig();
    connection.terminate(new TransportError("ABORTED", "the caller aborted"));
    transport.handler!.onClosed(undefined);
    expect(lines[1]).toBe(
      "connection 1 closing: this side drops the connection, ABORTED: the caller aborted",
    );
    expect(lines.at(-1)).toContain("after 0 ms, ABORTED: the caller aborted (received");
  });

  it("writes that this side has not read for 100 ms or longer", () => {
    const { connection, clock, transport } = rig();
    connection.pause();
    connection.pause();
    expect(transport.isReading).toBe(false);
    connection.resume();
    connection.resume();
    clock.advance(1_000);
    expect(lines).toHaveLength(1);
    connection.pause();
    clock.advance(1_000);
    connection.resume();
    expect(transport.isReading).toBe(true);
    expect(lines.slice(1)).toEqual([
      expect.stringMatching(
        /^connection 1 reading paused: received messages have waited (100|200) ms for the application \(received 0/,
      ),
      "connection 1 reading resumed after 1000 ms",
    ]);
    connection.close();
    connection.pause();
    clock.advance(1_000);
    expect(lines).toHaveLength(4);
  });

  it("writes that the peer has not read for 100 ms or longer", () => {
    const { connection, clock, transport, endTurn, handler } = rig();
    transport.takesAll = false;
    connection.sendText("hi");
    endTurn();
    transport.drain();
    clock.advance(1_000);
    expect(lines).toHaveLength(1);
    transport.takesAll = false;
    connection.sendText("hi");
    endTurn();
    clock.advance(1_000);
    transport.drain();
    expect(handler.notes).toEqual(["drain", "drain"]);
    expect(lines.slice(1)).toEqual([
      expect.stringMatching(
        /^connection 1 writing paused: 4 bytes have waited (100|200) ms for the peer to read$/,
      ),
      "connection 1 writing resumed after 1000 ms",
    ]);
  });

  it("ends its transport after a closing handshake, and forwards the end of the peer", () => {
    const { receive, transport } = rig();
    receive("8802 03e8");
    expect(transport.isEnded).toBe(true);
    const other = rig();
    other.transport.handler!.onEnd();
    expect(other.transport.isEnded).toBe(true);
  });
});
