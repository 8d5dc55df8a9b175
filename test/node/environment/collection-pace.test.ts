import { describe, expect, it } from "vitest";
import { latestArray, paceCollection } from "../../../src/node/environment/collection-pace.ts";

describe("paceCollection", () => {
  it("allocates an array of half the size for each 16 KiB, over any number of calls", () => {
    paceCollection(16_384);
    const before = latestArray;
    expect(before).toHaveLength(1024);

    paceCollection(0);
    for (let call = 1; call < 16; call++) paceCollection(1024);
    expect(latestArray).toBe(before);

    paceCollection(1024);
    expect(latestArray).not.toBe(before);
    expect(latestArray).toHaveLength(1024);
  });

  it("keeps the rest of a large size for later calls", () => {
    const before = latestArray;
    paceCollection(3 * 16_384 + 16_383);
    const after = latestArray;
    expect(after).not.toBe(before);

    paceCollection(1);
    expect(latestArray).not.toBe(after);
  });
});
