import { describe, expect, it } from "vitest";
import { findLeaks } from "./leaks.ts";
import { PROTOCOLS, runChaos } from "./run.ts";

it.each(PROTOCOLS)(
  "random peers and faulty handlers over %s cause no uncaught error and no leak, and a well-behaved client is still served",
  { timeout: 180_000 },
  async (protocol) => {
    const options = {
      protocol,
      seed: 7,
      peersPerRound: 60,
      isOver: (round: number) => round === 3,
    };
    const { peers, violations } = await runChaos(options);
    expect(violations).toEqual([]);
    expect(peers).toBe(180);
  },
);

describe("findLeaks", () => {
  const before = { descriptors: 20, handles: { TCPSocketWrap: 1 }, heapBytes: 10_000_000 };

  it("finds nothing if no resource was added", () => {
    expect(findLeaks(before, before)).toEqual([]);
    expect(findLeaks(before, { descriptors: 18, handles: {}, heapBytes: 12_000_000 })).toEqual([]);
  });

  it("finds leaked descriptors, leaked handles of each kind, and a growing heap", () => {
    const after = { descriptors: 21, handles: { TCPSocketWrap: 2, FSReqWrap: 1 }, heapBytes: 2e7 };
    expect(findLeaks(before, after)).toEqual([
      expect.stringContaining("21 descriptors"),
      expect.stringContaining("TCPSocketWrap"),
      expect.stringContaining("FSReqWrap"),
      expect.stringContaining("heap"),
    ]);
  });
});
