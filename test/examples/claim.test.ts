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
  it("lists users in the order of their claims", () => {
    const [bo, ana] = [
      { id: 1, name: "Bo", at: 2 },
      { id: 2, name: "Ana", at: 1 },
    ];
    expect(settle([bo, ana])).toEqual({ present: [ana, bo], rejected: [], replaced: [] });
  });

  it("gives a name to the earliest claim, regardless of ids and of upper or lower case", () => {
    const [late, early] = [
      { id: 1, name: "Ana", at: 2 },
      { id: 2, name: "ana", at: 1 },
    ];
    expect(settle([late, early])).toEqual({ present: [early], rejected: [late], replaced: [] });
  });

  it("gives a name claimed at the same time to the lower id", () => {
    const [higher, lower] = [
      { id: 2, name: "Ana", at: 1 },
      { id: 1, name: "Ana", at: 1 },
    ];
    expect(settle([higher, lower]).present).toEqual([lower]);
  });

  it("gives the place and the name of a session to its latest claim", () => {
    const claims = [1, 2, 3].map((at) => ({ id: at, name: "Ana", at, session: "secret" }));
    const other = { id: 4, name: "Ana", at: 4, session: "guess" };
    expect(settle([...claims, other])).toEqual({
      present: [claims[2]],
      rejected: [other],
      replaced: claims.slice(0, 2),
    });
  });

  it("has the same result for claims in any order, with one name each", () => {
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
  it("reads the output of another server and drops unknown fields", () => {
    const claim: Claim = { id: 1, name: "Ana", at: 2, session: "secret" };
    expect(readClaim({ ...claim, more: true })).toEqual(claim);
    expect(readClaim({ id: 1, name: "Ana", at: 2 })).toEqual({ id: 1, name: "Ana", at: 2 });
  });

  it.each([undefined, null, "x", {}, { id: 1, name: "Ana" }, { id: 1, name: {}, at: 1 }])(
    "refuses %j as a claim",
    (data) => {
      expect(readClaim(data)).toBeUndefined();
    },
  );

  it("refuses claims with invalid numbers", () => {
    expect(readClaim({ id: Number.NaN, name: "Ana", at: 1 })).toBeUndefined();
    expect(readClaim({ id: 1, name: "Ana", at: 1e300 })).toBeUndefined();
  });
});
