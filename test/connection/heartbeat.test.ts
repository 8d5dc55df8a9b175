import { describe, expect, it } from "vitest";
import { fromHex, ROLES } from "../protocol/support.ts";
import { rig } from "./support.ts";

describe("the heartbeat", () => {
  it("pings a client after 30 s of silence and drops it 20 s later", () => {
    const { clock, endTurn, handler, transport, written } = rig("server");
    clock.advance(29_900);
    endTurn();
    expect(written()).toEqual([]);
    clock.advance(400);
    endTurn();
    expect(written()).toEqual(["890101"]);
    clock.advance(19_500);
    expect(transport.isDestroyed).toBe(false);
    clock.advance(1000);
    expect(transport.isDestroyed).toBe(true);
    transport.handler!.onClosed(undefined);
    expect(handler.closeInfo).toMatchObject({ code: 1006, error: { code: "HEARTBEAT_TIMEOUT" } });
  });

  it("reads a pong that arrived during a stall of this process before it drops the peer", () => {
    const { clock, endTurn, receive, transport, written } = rig("server");
    clock.advance(30_400);
    endTurn();
    expect(written()).toEqual(["890101"]);
    clock.stall(60_000);
    receive("8a0101");
    clock.advance(29_000);
    expect(transport.isDestroyed).toBe(false);
    endTurn();
    expect(written()).toEqual([]);
  });

  it("pings once more after a stall without data and drops the peer 20 s later", () => {
    const { clock, endTurn, transport, written } = rig("server");
    clock.advance(30_400);
    endTurn();
    written();
    clock.stall(60_000);
    clock.advance(200);
    endTurn();
    expect(written()).toEqual(["890102"]);
    clock.advance(19_500);
    expect(transport.isDestroyed).toBe(false);
    clock.advance(1_000);
    expect(transport.isDestroyed).toBe(true);
  });

  it("drops a peer after two consecutive stalls without data", () => {
    const { clock, endTurn, transport } = rig("server");
    clock.advance(30_400);
    endTurn();
    for (let stall = 0; stall < 2; stall++) {
      clock.stall(60_000);
      clock.advance(200);
    }
    expect(transport.isDestroyed).toBe(true);
  });

  it("is off by default on a client", () => {
    const { clock, endTurn, written } = rig("client");
    clock.advance(1_000_000);
    endTurn();
    expect(written()).toEqual([]);
  });

  it("works in the same way on a client with the option", () => {
    const { clock, endTurn, transport, written } = rig("client", { heartbeat: {} });
    clock.advance(30_400);
    endTurn();
    expect(written()).toEqual(["890101"]);
    clock.advance(20_400);
    expect(transport.isDestroyed).toBe(true);
  });

  it("continues while pongs arrive, with one ping per silence", () => {
    const { clock, endTurn, receive, transport, written } = rig("server");
    for (let round = 1; round <= 10; round++) {
      clock.advance(30_400);
      endTurn();
      expect(written()).toEqual([`8901${round.toString(16).padStart(2, "0")}`]);
      receive("8a00");
    }
    expect(transport.isDestroyed).toBe(false);
  });

  it("counts any bytes as activity and does not ping an active peer", () => {
    const { clock, endTurn, transport, written } = rig("server");
    transport.handler!.onBytes(fromHex("82fe00c800000000"));
    for (let round = 0; round < 100; round++) {
      clock.advance(10_000);
      transport.handler!.onBytes(fromHex("00"));
    }
    endTurn();
    expect(written()).toEqual([]);
    expect(transport.isDestroyed).toBe(false);
  });

  it("keeps a slow peer that reads a large message in pieces", () => {
    const { clock, connection, endTurn, transport } = rig("server");
    transport.takesAll = false;
    connection.sendBinary(new Uint8Array(2_000_000));
    endTurn();
    for (let piece = 0; piece < 5; piece++) {
      clock.advance(40_000);
      transport.handler!.onDrain();
    }
    expect(transport.isDestroyed).toBe(false);
    clock.advance(50_500);
    expect(transport.isDestroyed).toBe(true);
  });

  it("keeps a slow peer that reads a large message byte by byte, if the transport shows its unwritten bytes", () => {
    const { clock, connection, endTurn, transport } = rig("server");
    transport.takesAll = false;
    transport.unwrittenBytes = 0;
    connection.sendBinary(new Uint8Array(2_000_000));
    endTurn();
    expect(transport.writes).toHaveLength(1);
    for (let taken = 0; taken < 10; taken++) {
      clock.advance(25_000);
      transport.unwrittenBytes -= 1;
    }
    // The header had ten bytes.
    expect(connection.bufferedAmount).toBe(2_000_000);
    expect(transport.isDestroyed).toBe(false);
    clock.advance(49_900);
    expect(transport.isDestroyed).toBe(false);
    clock.advance(1_600);
    expect(transport.isDestroyed).toBe(true);
  });

  it("counts it as activity only once that a slow peer has read everything", () => {
    const { clock, connection, endTurn, transport } = rig("server");
    transport.takesAll = false;
    transport.unwrittenBytes = 0;
    connection.sendBinary(new Uint8Array(100_000));
    endTurn();
    clock.advance(20_500);
    transport.unwrittenBytes = 0;
    transport.drain();
    clock.advance(49_900);
    expect(transport.isDestroyed).toBe(false);
    clock.advance(600);
    expect(transport.isDestroyed).toBe(true);
  });

  it("drops a peer that sends but reads nothing", () => {
    const { clock, connection, endTurn, handler, receive, transport } = rig("server");
    transport.takesAll = false;
    connection.sendText("a");
    endTurn();
    for (let second = 0; second < 49; second++) {
      clock.advance(1000);
      receive("810161");
    }
    expect(transport.isDestroyed).toBe(false);
    clock.advance(2000);
    expect(transport.isDestroyed).toBe(true);
    transport.handler!.onClosed(undefined);
    expect(handler.closeInfo).toMatchObject({ code: 1006, error: { code: "HEARTBEAT_TIMEOUT" } });
  });

  it("keeps a connection that is paused on this side", () => {
    const { clock, connection, endTurn, transport, written } = rig("server");
    clock.advance(30_400);
    connection.pause();
    clock.advance(1_000_000);
    expect(transport.isDestroyed).toBe(false);
    endTurn();
    // The kernel detects a lost peer by a write.
    expect(written().join("")).toMatch(/^(8901..)+$/);
    connection.resume();
    clock.advance(31_000);
    endTurn();
    expect(written().join("")).toMatch(/^8901..$/);
    clock.advance(21_000);
    expect(transport.isDestroyed).toBe(true);
  });

  it("drops a paused connection when its output makes no progress either", () => {
    const { clock, connection, endTurn, handler, transport } = rig("server");
    connection.pause();
    clock.advance(100_000);
    transport.takesAll = false;
    connection.sendText("a");
    connection.sendText("b");
    endTurn();
    clock.advance(29_000);
    // The peer has read the first message, which counts as activity.
    transport.handler!.onDrain();
    connection.sendText("c");
    endTurn();
    clock.advance(49_000);
    expect(transport.isDestroyed).toBe(false);
    clock.advance(1_500);
    expect(transport.isDestroyed).toBe(true);
    transport.handler!.onClosed(undefined);
    expect(handler.closeInfo).toMatchObject({ code: 1006, error: { code: "HEARTBEAT_TIMEOUT" } });
  });
});

describe.each(ROLES)("the latency of a %s", (role) => {
  it("is unknown before a ping has been answered", () => {
    const { clock, connection, receive } = rig(role);
    expect(connection.latencyMs).toBeUndefined();
    receive("8a00");
    connection.ping(fromHex("01"));
    clock.advance(7);
    receive("8a00");
    receive("8a020100");
    expect(connection.latencyMs).toBeUndefined();
  });

  it("is the round-trip time of the latest answered ping (RFC 6455 5.5.3)", () => {
    const { clock, connection, receive } = rig(role);
    connection.ping(fromHex("01"));
    clock.advance(7);
    receive("8a0101");
    expect(connection.latencyMs).toBe(7);
    connection.ping();
    clock.advance(20);
    connection.ping(fromHex("02"));
    clock.advance(3);
    // A peer may leave the first ping unanswered.
    receive("8a0102");
    expect(connection.latencyMs).toBe(3);
    receive("8a00");
    expect(connection.latencyMs).toBe(3);
  });

  it("is measured separately for consecutive pings", () => {
    const { clock, connection, receive } = rig(role);
    connection.ping(fromHex("01"));
    clock.advance(5);
    connection.ping(fromHex("02"));
    clock.advance(5);
    receive("8a0101");
    expect(connection.latencyMs).toBe(10);
    clock.advance(1);
    receive("8a0102");
    expect(connection.latencyMs).toBe(6);
  });

  it("needs memory for a limited number of pings, with copies of their payloads", () => {
    const { clock, connection, receive } = rig(role);
    const payload = fromHex("00");
    for (let count = 0; count < 9; count++) {
      payload[0] = count;
      connection.ping(payload);
      clock.advance(1);
    }
    receive("8a0100");
    expect(connection.latencyMs).toBeUndefined();
    receive("8a0101");
    expect(connection.latencyMs).toBe(8);
  });

  it("is measured by the heartbeat", () => {
    const { clock, connection, endTurn, receive } = rig(role, { heartbeat: {} });
    clock.advance(30_400);
    endTurn();
    receive("8a00");
    expect(connection.latencyMs).toBeUndefined();
    clock.advance(30_400);
    clock.advance(12);
    receive("8a0102");
    expect(connection.latencyMs).toBeGreaterThanOrEqual(12);
    expect(connection.latencyMs).toBeLessThan(512);
  });
});
