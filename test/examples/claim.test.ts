import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Claim, readClaim, settle } from "../../examples/chat/src/claim.ts";
import { nameKey } from "../../examples/chat/src/names.ts";

const CLAIMS = fc.uniqueArray(
  fc.record(
    {
      id: fc.nat(30),
      name: fc.constantFrom("Ana", "ana", "Bo", "__proto__", "constructor"),
      at: fc.nat(5),
      session: fc.constantFrom("s1", "s2"),
    },
    { requiredKeys: ["id", "name", "at"] },
  ),
  { selector: ({ id }) => id },
);

describe("settle", () => {
  it("lists those present in the order of their claims", () => {
    const [bo, ana] = [
      { id: 1, name: "Bo", at: 2 },
      { id: 2, name: "Ana", at: 1 },
    ];
    expect(settle([bo, ana])).toEqual({ present: [ana, bo], rejected: [], replaced: [] });
  });

  it("gives a name to the earliest who claims it, whatever its id and its case", () => {
    const [late, early] = [
      { id: 1, name: "Ana", at: 2 },
      { id: 2, name: "ana", at: 1 },
    ];
    expect(settle([late, early])).toEqual({ present: [early], rejected: [late], replaced: [] });
  });

  it("gives a name that two claim at the same time to the one with the lower id", () => {
    const [higher, lower] = [
      { id: 2, name: "Ana", at: 1 },
      { id: 1, name: "Ana", at: 1 },
    ];
    expect(settle([higher, lower]).present).toEqual([lower]);
  });

  it("lets the latest claim of a session take the place, and the name, of the earlier ones", () => {
    const claims = [1, 2, 3].map((at) => ({ id: at, name: "Ana", at, session: "secret" }));
    const other = { id: 4, name: "Ana", at: 4, session: "guess" };
    expect(settle([...claims, other])).toEqual({
      present: [claims[2]],
      rejected: [other],
      replaced: claims.slice(0, 2),
    });
  });

  it("comes to the same answer from the same claims in any order, and each has one name", () => {
    const shuffled = CLAIMS.chain((claims) =>
      fc.tuple(fc.constant(claims), fc.shuffledSubarray(claims, { minLength: claims.length })),
    );
    fc.assert(
      fc.property(shuffled, ([claims, others]) => {
        const roster = settle(claims);
        expect(settle(others)).toEqual(roster);
        const all = [...roster.present, ...roster.rejected, ...roster.replaced];
        expect(new Set(all)).toEqual(new Set(claims));
        expect(all).toHaveLength(claims.length);
        const keys = roster.present.map(({ name }) => nameKey(name));
        expect(new Set(keys).size).toBe(keys.length);
      }),
    );
  });
});

describe("readClaim", () => {
  it("reads what another server has written, and nothing beside what it knows", () => {
    const claim: Claim = { id: 1, name: "Ana", at: 2, session: "secret" };
    expect(readClaim({ ...claim, more: true })).toEqual(claim);
    expect(readClaim({ id: 1, name: "Ana", at: 2 })).toEqual({ id: 1, name: "Ana", at: 2 });
  });

  it.each([undefined, null, "x", {}, { id: 1, name: "Ana" }, { id: 1, name: {}, at: 1 }])(
    "does not take %j for a claim",
    (data) => {
      expect(readClaim(data)).toBeUndefined();
    },
  );

  it("does not take numbers for claims that are none", () => {
    expect(readClaim({ id: Number.NaN, name: "Ana", at: 1 })).toBeUndefined();
    expect(readClaim({ id: 1, name: "Ana", at: 1e300 })).toBeUndefined();
  });
});
