import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { isInstance } from "../../../src/schema/values.ts";
import { isOwnResponse, isResponse } from "../../../src/server/routes/is-response.ts";

/** An object that is tagged as a Response, like a Response of another realm or of a library. */
const foreign = (fields: object): unknown => ({ [Symbol.toStringTag]: "Response", ...fields });

describe("isResponse", () => {
  it.each<[string, unknown, { own: boolean; any: boolean }]>([
    ["a Response", new Response(), { own: true, any: true }],
    ["a Response.error()", Response.error(), { own: true, any: true }],
    ["a Response of another realm", foreign({ status: 200 }), { own: false, any: true }],
    ["an object that has only the class name", foreign({}), { own: false, any: false }],
    ["a Response with a status of text", foreign({ status: "200" }), { own: false, any: false }],
    ["an object with a status", { status: 200 }, { own: false, any: false }],
    ["text", "[object Response]", { own: false, any: false }],
    ["null", null, { own: false, any: false }],
    ["undefined", undefined, { own: false, any: false }],
  ])("classifies %s", (_, value, { own, any }) => {
    expect(isOwnResponse(value)).toBe(own);
    expect(isResponse(value)).toBe(any);
  });
});

describe("isInstance", () => {
  it("is true for an instance and false for an instance of another realm", () => {
    expect(isInstance(new RangeError("a"), RangeError)).toBe(true);
    expect(isInstance(runInNewContext("new RangeError()"), RangeError)).toBe(false);
    expect(isInstance(undefined, RangeError)).toBe(false);
  });

  it("is false for a proxy with traps that throw", () => {
    const hostile = new Proxy(new RangeError("a"), {
      getPrototypeOf() {
        throw new Error("trap");
      },
    });
    expect(isInstance(hostile, RangeError)).toBe(false);
  });
});
