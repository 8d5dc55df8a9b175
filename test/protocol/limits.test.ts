import { withSharedBuffers } from "../../src/protocol/endpoint-environment.ts";
import { describe, expect, it } from "vitest";
import { ByteBudget } from "../../src/protocol/byte-budget.ts";
import {
  asPeerOf,
  frame,
  fromHex,
  hexOf,
  plainEnvironment,
  type Probe,
  probe,
  ROLES,
} from "./support.ts";

const ABNORMAL = { code: 1006, reason: "", wasClean: false };
const TOO_BIG = [{ end: ABNORMAL, violation: "1009 MESSAGE_TOO_BIG" }];

/** An environment that records its allocations. */
function countingEnvironment() {
  const allocations: number[] = [];
  const environment = withSharedBuffers({
    ...plainEnvironment,
    allocate: (byteLength: number) => {
      allocations.push(byteLength);
      return plainEnvironment.allocate(byteLength);
    },
  });
  return { environment, allocations };
}

describe.each(ROLES)("limits of a %s", (role) => {
  it("accept a message of exactly maxMessageBytes and fail with 1009 above", () => {
    const { receive, events } = probe(role, { maxMessageBytes: 3 });
    receive("8203010203");
    expect(events).toEqual([{ binary: "010203" }]);
    events.length = 0;
    receive("820401020304");
    expect(events).toEqual(TOO_BIG);
  });

  it("are 1 MiB by default", () => {
    const { receive, events } = probe(role);
    receive(frame("02", "00".repeat(1 << 20)), "800100");
    expect(events).toEqual(TOO_BIG);
  });

  it("fail with 1009 for text longer than any string, with any maxMessageBytes", () => {
    const { endpoint, events } = probe(role, { maxMessageBytes: Infinity });
    const header = fromHex("817f000000001000000100000000");
    if (role === "server") header[1] |= 0x80;
    endpoint.receive(header);
    expect(events).toEqual(TOO_BIG);
  });

  it("count all fragments together, and a frame when its header arrives", () => {
    const { endpoint, events } = probe(role, { maxMessageBytes: 5 });
    const mask = role === "server" ? "00000000" : "";
    const bit = role === "server" ? 0x80 : 0;
    const header = (first: string, length: number) =>
      fromHex(`${first}${(bit | length).toString(16).padStart(2, "0")}${mask}`);
    endpoint.receive(header("01", 3));
    endpoint.receive(fromHex("414243"));
    endpoint.receive(header("00", 3));
    expect(events).toEqual(TOO_BIG);
  });

  it("do not count control frames between fragments", () => {
    const { receive, events } = probe(role, { maxMessageBytes: 2 });
    receive("020141", frame("89", "00".repeat(125)), "800142");
    expect(events.at(-1)).toEqual({ binary: "4142" });
  });

  it.each([
    ["2 MiB", "827f0000000000200000"],
    ["2 to the 53rd", "827f0020000000000000"],
    ["2 to the 63rd minus 1", "827f7fffffffffffffff"],
  ])("refuse a declared length of %s before any allocation", (_, hex) => {
    const { environment, allocations } = countingEnvironment();
    const { endpoint, events } = probe(role, {}, environment);
    const bytes = fromHex(`${hex}00000000`);
    if (role === "server") bytes[1] |= 0x80;
    endpoint.receive(bytes);
    expect(events).toEqual(TOO_BIG);
    expect(allocations.filter((byteLength) => byteLength > 125)).toEqual([]);
  });

  it("allocate memory for received bytes, not for a declared length", () => {
    const { endpoint } = probe(role, { maxMessageBytes: 1 << 30 });
    const header = fromHex("827f000000003fffffff00000000");
    if (role === "server") header[1] |= 0x80;
    endpoint.receive(header.subarray(0, role === "server" ? 14 : 10));
    endpoint.receive(new Uint8Array(1));
    expect(endpoint.bufferedBytes).toBeLessThanOrEqual(65_536);
    endpoint.receive(new Uint8Array(100_000));
    expect(endpoint.bufferedBytes).toBeLessThanOrEqual(16 * 100_001);
  });

  it("keep at most about twice the payload for fragments of one byte", () => {
    const { endpoint } = probe(role);
    endpoint.receive(asPeerOf(role, fromHex("020141")));
    const fragment = fromHex("000142");
    for (let count = 0; count < 20_000; count++) endpoint.receive(asPeerOf(role, fragment));
    expect(endpoint.bufferedBytes).toBeLessThanOrEqual(2 * 20_001);
  });

  it.each([
    ["one byte", 1, 20_000],
    ["1000 bytes", 1000, 2000],
    ["100,000 bytes", 100_000, 40],
  ])("allow at most a few copies of each byte for fragments of %s", (_, length, count) => {
    const { environment, allocations } = countingEnvironment();
    const { endpoint } = probe(role, { maxMessageBytes: 1 << 26 }, environment);
    const fragment = fromHex(frame("00", "42".repeat(length)));
    endpoint.receive(asPeerOf(role, fromHex(frame("02", "42".repeat(length)))));
    for (let index = 1; index < count; index++) endpoint.receive(asPeerOf(role, fragment));
    endpoint.receive(asPeerOf(role, fromHex("8000")));
    const allocated = allocations.reduce((sum, byteLength) => sum + byteLength, 0);
    expect(allocated).toBeLessThan(5 * length * count);
  });

  it("accept 1,024 consecutive empty fragments, repeatedly with payload in between", () => {
    const { endpoint, events } = probe(role);
    endpoint.receive(asPeerOf(role, fromHex("010141")));
    for (let round = 0; round < 3; round++) {
      const before = endpoint.bufferedBytes;
      endpoint.receive(asPeerOf(role, fromHex("0000".repeat(1_024))));
      expect(endpoint.bufferedBytes).toBe(before);
      endpoint.receive(asPeerOf(role, fromHex("000142")));
    }
    endpoint.receive(asPeerOf(role, fromHex(`8000${"0100"}${"0000".repeat(1_023)}8000`)));
    expect(events).toEqual([{ text: "ABBB" }, { text: "" }]);
  });

  it.each([
    ["at the start of a message", `0100${"0000".repeat(1_023)}`],
    ["after some payload", `010141${"0000".repeat(1_024)}`],
    ["with pings between them", `0200${"8900".repeat(2)}${"00008900".repeat(1_023)}`],
  ])("fail with 1008 for 1,025 consecutive empty fragments, %s", (_, fragments) => {
    const { endpoint, events } = probe(role);
    endpoint.receive(asPeerOf(role, fromHex(fragments)));
    expect(events.filter((event) => "end" in event)).toEqual([]);
    endpoint.receive(asPeerOf(role, fromHex("0000")));
    expect(events.at(-1)).toEqual({ end: ABNORMAL, violation: "1008 TOO_MANY_EMPTY_FRAGMENTS" });
  });

  describe("with a budget of 100,000 bytes for the unfinished messages of all connections", () => {
    const ends = {
      "a last fragment": ({ receive }: Probe) => receive(frame("80", "")),
      "its failure": ({ receive }: Probe) => receive("8300"),
      "the end of the transport": ({ endpoint }: Probe) => endpoint.receiveEnd(),
      "a Close frame": ({ receive }: Probe) => receive(frame("88", "03e8")),
    };

    it.each(Object.entries(ends))("return the bytes of a message to the budget at %s", (_, end) => {
      for (const opcode of ["01", "02"]) {
        const unfinishedBudget = new ByteBudget(100_000);
        const one = probe(role, { unfinishedBudget });
        one.receive(frame(opcode, "20".repeat(60_000)));
        expect(unfinishedBudget.usedBytes).toBe(one.endpoint.bufferedBytes);
        expect(unfinishedBudget.usedBytes).toBeGreaterThanOrEqual(60_000);
        end(one);
        expect(unfinishedBudget.usedBytes).toBe(0);
      }
    });

    it("fail the connection that would exceed it with 1013, and no other", () => {
      const unfinishedBudget = new ByteBudget(100_000);
      const [one, other] = [probe(role, { unfinishedBudget }), probe(role, { unfinishedBudget })];
      one.receive(frame("02", "20".repeat(60_000)));
      other.receive(frame("02", "20".repeat(60_000)));
      expect(other.events).toMatchObject([{ violation: "1013 UNFINISHED_TOO_BIG" }]);
      one.receive(frame("80", ""));
      expect(one.events).toEqual([{ binary: "20".repeat(60_000) }]);
      expect(unfinishedBudget.usedBytes).toBe(0);
    });

    it("do not use the budget for messages that arrive in one piece", () => {
      const unfinishedBudget = new ByteBudget(1);
      const { events, receive } = probe(role, { unfinishedBudget });
      receive(frame("81", hexOf("whole")), frame("82", "20".repeat(60_000)));
      expect(events).toHaveLength(2);
    });
  });

  it("release all memory after a failure", () => {
    const { endpoint, receive } = probe(role);
    receive(frame("02", "00".repeat(1000)));
    expect(endpoint.bufferedBytes).toBeGreaterThan(0);
    receive("8300");
    expect(endpoint.bufferedBytes).toBe(0);
  });

  it("keep only the latest ping while pongs are held (RFC 6455 5.5.3)", () => {
    const { endpoint, receive, written } = probe(role);
    endpoint.defersPongs = true;
    receive("890161", "890162", "890163");
    expect(written()).toBe("");
    endpoint.defersPongs = false;
    expect(written()).toBe("8a0163");
    receive("890164");
    expect(written()).toBe("8a0164");
  });
});
