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
  ])("lets three %s in at once, and fails with 1008 at the fourth", (_what, frames) => {
    const one = limited();
    one.receive(frames.repeat(3));
    expect(one.connection.readyState).toBe(1);
    one.written();
    one.receive(frames);
    expectFailed(one);
    expect(one.handler.notes.filter((note) => /^(text|binary)/.test(note)).length).toBeLessThan(4);
  });

  it("counts messages and control frames together, and whatever the chunks they come in", () => {
    const one = limited();
    for (const frame of [text, "8900", "8200"]) one.receive(frame);
    expect(one.connection.readyState).toBe(1);
    one.written();
    one.receive("8a00");
    expectFailed(one);
  });

  it("delivers nothing of what comes behind, and reads no more of it", () => {
    const one = limited();
    one.receive(text.repeat(1000));
    one.receive(text);
    expect(one.handler.notes).toEqual(["text a", "text a", "text a", "closing"]);
    expect(one.transport.isEnded).toBe(true);
  });

  it("does not count fragments, nor the Close frame", () => {
    const one = limited();
    one.receive(`${text}${text}0100${"0000".repeat(100)}8000`);
    one.receive("880203e8");
    one.transport.handler!.onClosed(undefined);
    expect(one.handler.closeInfo).toMatchObject({ code: 1000, wasClean: true });
  });

  it("lets a peer in that keeps to the rate, however long", () => {
    const one = limited();
    for (let i = 0; i < 1000; i++) {
      one.receive(text);
      one.clock.advance(334);
    }
    expect(one.handler.notes).toHaveLength(1000);
  });

  it("fails one that is a little faster in the end", () => {
    const one = limited();
    for (let i = 0; i < 100; i++) {
      one.receive(text);
      one.clock.advance(300);
    }
    expect(one.handler.notes).toContain("closing");
  });

  it("does not hold against the peer what this side did not read", () => {
    const one = limited();
    one.clock.advance(3_600_000);
    one.connection.pause();
    // What is sent within ten seconds, as the kernel hands it over.
    one.receive(text.repeat(10));
    one.clock.advance(10_000);
    one.receive(text.repeat(20));
    one.connection.resume();
    expect(one.handler.notes).toHaveLength(30);
    // The three of a full bucket were left, and are all there are: an hour's silence earns no more.
    one.receive(text.repeat(3));
    expect(one.connection.readyState).toBe(1);
    one.receive(text);
    expect(one.connection.readyState).toBe(2);
  });

  it("forgets what was saved up in a pause once the peer was silent for a second", () => {
    const one = limited();
    one.connection.pause();
    one.clock.advance(10_000);
    one.connection.resume();
    one.clock.advance(1000);
    one.receive(text.repeat(4));
    expect(one.handler.notes).toHaveLength(4);
    expect(one.handler.notes.at(-1)).toBe("closing");
  });

  it("asks for no timer", () => {
    const one = rig("client", { maxMessagesPerSecond: 3 });
    one.receive(text);
    expect(one.clock.pendingCount).toBe(0);
  });
});

describe("MessageRate", () => {
  it("never lets more in, in any window, than that window earns and a full bucket", () => {
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
