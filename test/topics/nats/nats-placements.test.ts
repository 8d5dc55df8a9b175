import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { NatsPlacements } from "../../../src/topics/nats/nats-placements.ts";

const at = (sequence: number) => ({ sequence, position: { epoch: "e", offset: sequence } });

describe("NatsPlacements", () => {
  let reads: number[];
  let placements: NatsPlacements;

  beforeEach(() => {
    vi.useFakeTimers();
    reads = [];
    placements = new NatsPlacements(async (sequence) => {
      reads.push(sequence);
      return { epoch: "read", offset: sequence };
    });
  });

  afterEach(() => {
    placements.close();
    vi.useRealTimers();
  });

  it("returns the position of a message when it is delivered", async () => {
    const waiting = placements.waitFor(3);
    placements.add(at(2));
    placements.add(at(3));
    expect(await waiting).toEqual(at(3).position);
    expect(reads).toEqual([]);
  });

  it("reads the position if a later message is delivered first", async () => {
    const waiting = placements.waitFor(3);
    placements.add(at(4));
    expect((await waiting).epoch).toBe("read");
    expect(reads).toEqual([3]);
  });

  it("reads the position of a message that was delivered before", async () => {
    placements.add(at(4));
    expect((await placements.waitFor(4)).epoch).toBe("read");
  });

  it("reads the position if the message is not delivered within a second", async () => {
    const waiting = placements.waitFor(3);
    await vi.advanceTimersByTimeAsync(999);
    expect(reads).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect((await waiting).epoch).toBe("read");
  });

  it("reads the position when it is closed", async () => {
    const waiting = placements.waitFor(3);
    placements.close();
    expect((await waiting).epoch).toBe("read");
  });
});
