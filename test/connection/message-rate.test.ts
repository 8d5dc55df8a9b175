import { array, assert, integer, property } from "fast-check";
import { describe, expect, it } from "vitest";
import { MessageRate } from "../../src/connection/message-rate.ts";
import { ROLES, toHex } from "../protocol/support.ts";
import { type Rig, rig } from "./support.ts";

const POLICY_VIOLATION = toHex(Buffer.from([0x03, 0xf0]));

describe.each(ROLES)("maxMessagesPerSecond of a %s", (role) => {
  const limited = (): Rig => rig(role, { maxMessagesPerSecond: 3, heartbeat: false });
  const text = "810161";

  const expectFailed = ({ handler, transport, written }: Rig): void => {
    expect(written().join("")).toMatch(new RegExp(`^(8a00)*88..${POLICY_VIOLATION}`));
    transport.handler!.onClosed(undefined);
    expect(handler.closeInfo).toMatchObject({
      code: 1006,
      wasClean: false,
      error: { name: "ProtocolError", code: "RATE_EXCEEDED", closeCode: 1008 },
    });
  };

  it.each([
    ["text messages", text],
    ["binary messages", "820161"],
    ["empty messages", "8100"],
    ["messages in fragments", "010161000162800163"],
    ["pings", "8900"],
    ["pongs", "8a00"],
  ])("accepts a burst of three %s and fails with 1008 at the fourth", (_what, frames) => {
    const one = limited();
    one.receive(frames.repeat(3));
    expect(one.connection.readyState).toBe(1);
    one.written();
    one.receive(frames);
    expectFailed(one);
    expect(one.handler.notes.filter((note) => /^(text|binary)/.test(note)).length).toBeLessThan(4);
  });

  it("counts messages and control frames together, in any chunks", () => {
    const one = limited();
    for (const frame of [text, "8900", "8200"]) one.receive(frame);
    expect(one.connection.readyState).toBe(1);
    one.written();
    one.receive("8a00");
    expectFailed(one);
  });

  it("delivers nothing after the limit and stops reading", () => {
    const one = limited();
    one.receive(text.repeat(1000));
    one.receive(text);
    expect(one.handler.notes).toEqual(["text a", "text a", "text a", "closing"]);
    expect(one.transport.isEnded).toBe(true);
  });

  it("does not count fragments or the Close frame", () => {
    const one = limited();
    one.receive(`${text}${text}0100${"0000".repeat(100)}8000`);
    one.receive("880203e8");
    one.transport.handler!.onClosed(undefined);
    expect(one.handler.closeInfo).toMatchObject({ code: 1000, wasClean: true });
  });

  it("accepts a peer that sends at exactly the rate for any time", () => {
    const one = limited();
    for (let i = 0; i < 1000; i++) {
      one.receive(text);
      one.clock.advance(334);
    }
    expect(one.handler.notes).toHaveLength(1000);
  });

  it("eventually fails a peer that sends slightly above the rate", () => {
    const one = limited();
    for (let i = 0; i < 100; i++) {
      one.receive(text);
      one.clock.advance(300);
    }
    expect(one.handler.notes).toContain("closing");
  });

  it("accepts messages that have accumulated while this side did not read", () => {
    const one = limited();
    one.clock.advance(3_600_000);
    one.connection.pause();
    // The messages of ten seconds, as the kernel delivers them.
    one.receive(text.repeat(10));
    one.clock.advance(10_000);
    one.receive(text.repeat(20));
    one.connection.resume();
    expect(one.handler.notes).toHaveLength(30);
    // Only the three tokens of the full bucket are left: an hour of silence adds none.
    one.receive(text.repeat(3));
    expect(one.connection.readyState).toBe(1);
    one.receive(text);
    expect(one.connection.readyState).toBe(2);
  });

  it("discards the allowance of a pause after one second of silence", () => {
    const one = limited();
    one.connection.pause();
    one.clock.advance(10_000);
    one.connection.resume();
    one.clock.advance(1000);
    one.receive(text.repeat(4));
    expect(one.handler.notes).toHaveLength(4);
    expect(one.handler.notes.at(-1)).toBe("closing");
  });

  it("uses no timer", () => {
    const one = rig("client", { maxMessagesPerSecond: 3 });
    one.receive(text);
    expect(one.clock.pendingCount).toBe(0);
  });
});

describe("MessageRate", () => {
  it("never accepts more in any window than the rate allows plus a full bucket", () => {
    const gaps = array(integer({ min: 0, max: 400 }), { minLength: 1, maxLength: 200 });
    assert(
      property(integer({ min: 1, max: 20 }), gaps, (perSecond, gapsMs) => {
        const rate = new MessageRate(perSecond, 0);
        const taken: number[] = [];
        let nowMs = 0;
        for (const gapMs of gapsMs) {
          nowMs += gapMs;
          rate.refill(nowMs);
          if (rate.take()) taken.push(nowMs);
        }
        for (const [first, startMs] of taken.entries()) {
          for (let last = first; last < taken.length; last++) {
            const allowed = perSecond + ((taken[last] - startMs) * perSecond) / 1000;
            expect(last - first + 1).toBeLessThanOrEqual(allowed + 1e-6);
          }
        }
      }),
    );
  });
});
