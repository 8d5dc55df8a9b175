import { describe, expect, it } from "vitest";
import { CollectionPace } from "../../../src/node/environment/collection-pace.ts";

describe("CollectionPace", () => {
  it("allocates an array of a quarter of the size for each 16 KiB, over any number of calls", () => {
    const pace = new CollectionPace();
    for (let call = 1; call < 16; call++) pace.count(1024);
    expect(pace.latestArray).toBeUndefined();

    pace.count(1024);
    const first = pace.latestArray;
    expect(first).toHaveLength(512);

    pace.count(16_383);
    expect(pace.latestArray).toBe(first);

    pace.count(1);
    expect(pace.latestArray).not.toBe(first);
    expect(pace.latestArray).toHaveLength(512);
  });

  it("keeps the rest of a large size for later calls", () => {
    const pace = new CollectionPace();
    pace.count(3 * 16_384 + 16_383);
    const before = pace.latestArray;
    expect(before).toHaveLength(512);

    pace.count(1);
    expect(pace.latestArray).not.toBe(before);
  });
});
